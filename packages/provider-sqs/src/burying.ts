import { randomUUID } from 'node:crypto'
import { GetQueueAttributesCommand, type MessageAttributeValue, SendMessageCommand } from '@aws-sdk/client-sqs'
import type { Clock, DeadLetterReason } from '@queue-runtime/core'
import { type CarriedFields, type DeadLetterNote, FIELDS_ATTRIBUTE, writeFields } from './carried-fields.ts'
import { noDeadLetters } from './errors.ts'
import { attributeText, fieldsOf } from './incoming.ts'
import { MAX_ATTRIBUTES } from './limits.ts'
import { type Entry, sizeOf, text, traceHeader } from './outgoing.ts'
import { type Address, addressOfArn, type QueueTarget } from './queue-names.ts'
import { CALL_MS, type QueueDoor } from './queue-url.ts'
import type { RawAttribute, RawMessage } from './raw-message.ts'

/** Where the dead letters of a queue lie; null: it has none. */
export type FindLetters = (operation: string) => Promise<QueueDoor | null>

const redriveTarget = (policy: string | undefined): Address | undefined => {
  try {
    const { deadLetterTargetArn }: { deadLetterTargetArn?: unknown } = JSON.parse(policy ?? '{}')
    return typeof deadLetterTargetArn === 'string' ? addressOfArn(deadLetterTargetArn) : undefined
  } catch {
    return undefined
  }
}

/** Finds the dead-letter queue: the one that is configured, or that the redrive policy of the queue names. Asks once. */
export function createFindLetters(
  target: QueueTarget,
  door: QueueDoor,
  openDoor: (address: Address) => QueueDoor,
): FindLetters {
  let found: QueueDoor | undefined
  return async (operation) => {
    if (target.deadLetter === false) return null
    if (found !== undefined) return found
    const address = target.deadLetter ?? redriveTarget(await policyOf(door, operation))
    found = address && openDoor(address)
    return found ?? null
  }
}

const policyOf = async (door: QueueDoor, operation: string): Promise<string | undefined> => {
  const { Attributes } = await door.call({ operation, timeoutMs: CALL_MS }, (QueueUrl, client, options) =>
    client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['RedrivePolicy'] }), options),
  )
  return Attributes?.RedrivePolicy
}

const copyOf = ({ type, text: value, bytes }: RawAttribute): MessageAttributeValue => ({
  DataType: type,
  ...(value !== undefined && { StringValue: value }),
  ...(bytes !== undefined && { BinaryValue: bytes }),
})

/** What `qr` says of a message that becomes a dead letter: what it said before, and why. */
const fieldsWith = (raw: RawMessage, note: DeadLetterNote, folded: Readonly<Record<string, string>>): CarriedFields => {
  const fields = fieldsOf(raw)
  const id = raw.brokerMessageId
  if (fields === undefined) return { v: 1, id, bad: raw.attributes.get(FIELDS_ATTRIBUTE)?.text ?? '', dl: note }
  if (fields === null) return { v: 1, id, ...(Object.keys(folded).length > 0 && { a: folded }), dl: note }
  return { ...fields, dl: note }
}

/**
 * Returns a message as it goes to the dead-letter queue: body and attributes as they are, `qr` with the reason. Of a foreign
 * message with ten attributes one has to make room for it: it goes into `qr` and reads the same from there, as text.
 */
export function toLetter(raw: RawMessage, note: DeadLetterNote): Entry {
  const others = [...raw.attributes].filter(([name]) => name !== FIELDS_ATTRIBUTE)
  // Text first: it loses nothing on the way.
  const byLoss = others.toSorted(
    ([, one], [, other]) => Number(one.type !== 'String') - Number(other.type !== 'String'),
  )
  const folded = new Map(byLoss.slice(0, Math.max(0, others.length - (MAX_ATTRIBUTES - 1))))
  const kept = others.filter(([name]) => !folded.has(name))
  const inFields = Object.fromEntries(Array.from(folded, ([name, attribute]) => [name, attributeText(attribute)]))
  return {
    MessageBody: raw.text,
    MessageAttributes: {
      ...Object.fromEntries(kept.map(([name, attribute]) => [name, copyOf(attribute)])),
      [FIELDS_ATTRIBUTE]: text(writeFields(fieldsWith(raw, note, inFields))),
    },
    ...traceHeader(raw.system.AWSTraceHeader),
  }
}

interface BuryingParts {
  readonly queue: string
  readonly find: FindLetters
  readonly clock: Clock
}

/** Sends a copy of a message to the dead-letter queue: SQS has no call for that (requirements PS7). */
export const createBurying =
  ({ queue, find, clock }: BuryingParts) =>
  async (raw: RawMessage, { reason, description }: DeadLetterReason): Promise<void> => {
    const place = { operation: 'deadLetter', messageId: fieldsOf(raw)?.id ?? raw.brokerMessageId }
    const letters = await find(place.operation)
    if (letters === null) throw noDeadLetters({ ...place, queue })
    const entry = toLetter(raw, {
      reason,
      description,
      at: new Date(clock.now()).toISOString(),
      queue,
      deliveries: Number(raw.system.ApproximateReceiveCount ?? 1),
    })
    const { MessageGroupId = raw.brokerMessageId } = raw.system
    // A known id would be dropped without a word, and the delete that follows would remove the only copy.
    const group = letters.address.isFifo && {
      MessageGroupId,
      MessageDeduplicationId: randomUUID({ disableEntropyCache: true }),
    }
    await letters.call({ ...place, size: sizeOf(entry), timeoutMs: CALL_MS }, (QueueUrl, client, options) =>
      client.send(new SendMessageCommand({ QueueUrl, ...entry, ...group }), options),
    )
  }
