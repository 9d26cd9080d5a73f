import { isQueueError, type OutgoingMessage, type QueueClient, type QueueError } from '@queue-runtime/core'
import type { MessageCryptoOptions } from '@queue-runtime/crypto'
import type { BrokerQueue, StoredMessage } from '@queue-runtime/provider-memory'
import { type Ground, QUEUE } from './ground.ts'

/** More than any attack puts at once. */
const ALL = 10_000

/** Sends a message as a user would, and returns what an attacker finds of it at the broker. */
export async function plant(
  ground: Ground,
  message: OutgoingMessage = { body: 'hello' },
  crypto: MessageCryptoOptions = {},
): Promise<StoredMessage> {
  const { messageId } = await ground.client(crypto).send(message)
  const stored = ground.queue().messages()
  const found = stored.findLast((one) => one.messageId === messageId)
  if (found === undefined) throw new Error('The broker does not have the message.')
  return found
}

/** The code of an error with its one detail: `InvalidEnvelope{truncated}`. */
export function codeOf(error: unknown): string {
  if (!isQueueError(error)) return `an error of class ${error instanceof Error ? error.name : typeof error}`
  const detail = detailOf(error)
  return detail === undefined ? error.code : `${error.code}{${detail}}`
}

const detailOf = (error: QueueError): string | number | undefined => {
  if (isQueueError(error, 'InvalidEnvelope')) return error.facts.reason
  if (isQueueError(error, 'UnsupportedVersion')) return error.facts.version
  if (isQueueError(error, 'NonceReused')) return error.facts.state
  if (isQueueError(error, 'Configuration')) return error.facts.field
  return undefined
}

/** The code that a call rejects with, or `accepted`. */
export async function refusalOf(call: () => unknown): Promise<string> {
  try {
    await call()
    return 'accepted'
  } catch (error) {
    return codeOf(error)
  }
}

/** Returns where messages lie by what the broker itself says, whatever a client reported. */
export function placesOf(queue: BrokerQueue): (brokerMessageId: string) => string {
  const waiting = queue.messages().map(({ brokerMessageId, state }) => [brokerMessageId, STATES[state]] as const)
  const letters = queue
    .deadLetters()
    .map(({ brokerMessageId, deadLettered }) => [brokerMessageId, `dead letter (${deadLettered?.reason})`] as const)
  const places = new Map<string, string>([...waiting, ...letters])
  return (id) => places.get(id) ?? 'removed'
}

const STATES: Record<StoredMessage['state'], string> = {
  active: 'kept',
  locked: 'held',
  scheduled: 'kept for a later try',
}

/**
 * Receives once and tells what became of each message: `delivered`, or the error and where the message lies afterwards, such as
 * `AuthenticationFailed → dead letter (qr.rejected)`. What is delivered stays locked.
 */
export async function fatesOf(
  ground: Ground,
  client: QueueClient,
  ids: readonly string[],
  queue: string = QUEUE,
): Promise<string[]> {
  let failure: string | undefined
  const { messages, rejected } = await client.receiveBatch({ maxMessages: ALL, waitMs: 0 }).catch((error: unknown) => {
    failure = `receive throws ${codeOf(error)}`
    return { messages: [], rejected: [] }
  })
  const delivered = new Map(messages.map((message) => [message.brokerMessageId, message]))
  const refused = new Map(rejected.map((message) => [message.brokerMessageId, message]))
  const places = placesOf(ground.queue(queue))
  return ids.map((id) => {
    const message = delivered.get(id)
    if (message !== undefined) return message.seal === null ? 'delivered without a seal' : 'delivered'
    const refusal = refused.get(id)
    const code = failure ?? (refusal === undefined ? 'not received' : codeOf(refusal.error))
    return `${code} → ${places(id)}`
  })
}

/** The fate of one message. */
export async function fateOf(ground: Ground, client: QueueClient, id: string, queue: string = QUEUE): Promise<string> {
  const [fate] = await fatesOf(ground, client, [id], queue)
  return fate ?? 'nothing'
}

/** Puts bodies into the queue, each in the place of the victim's, and tells their fates. */
export async function fatesOfBodies(
  ground: Ground,
  client: QueueClient,
  victim: StoredMessage,
  bodies: readonly Uint8Array[],
): Promise<string[]> {
  const ids = bodies.map((body) => ground.queue().put({ ...victim, body }))
  return fatesOf(ground, client, ids)
}

/** One text where all are the same, else each once, in the order of the alphabet. */
export const distinct = (fates: readonly string[]): string => [...new Set(fates)].sort().join(', ') || 'nothing'

const countOf = (fates: readonly string[], what: (fate: string) => boolean): string =>
  `${fates.filter(what).length} of ${fates.length}`

const isDelivered = (fate: string): boolean => fate.startsWith('delivered')

/** `0 of 12 delivered`, with the distinct fates of all. */
export const tally = (fates: readonly string[]): string =>
  `${countOf(fates, isDelivered)} delivered: ${distinct(fates)}`

/** The same where the details are too many: codes alone, and whether the broker still has all that was refused. */
export function tallyOfCodes(fates: readonly string[]): string {
  const codes = fates.map((fate) => /^\w+/.exec(fate)?.[0] ?? fate)
  const removed = countOf(fates, (fate) => fate.endsWith('removed'))
  return `${countOf(fates, isDelivered)} delivered, ${removed} removed: ${distinct(codes)}`
}
