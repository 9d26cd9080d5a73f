import type { IncomingMessage } from '@queue-runtime/core/provider'
import { decodeBody, textBytes } from './body-text.ts'
import { type CarriedFields, FIELDS_ATTRIBUTE, parseFields } from './carried-fields.ts'
import type { RawAttribute, RawMessage } from './raw-message.ts'
import { fromXRay } from './trace-header.ts'

/** The queue that a message came from, as far as it matters for what the message says. */
export interface Origin {
  readonly isFifo: boolean
  readonly isDeadLetters: boolean
}

/** What SQS itself gives as the reason is that a message came too often. */
const BROKER_REASON = 'MaxDeliveryCountExceeded'

/** Returns the fields beside the body; null: there are none, undefined: they cannot be read. */
export function fieldsOf({ attributes }: RawMessage): CarriedFields | null | undefined {
  const carried = attributes.get(FIELDS_ATTRIBUTE)
  if (carried === undefined) return null
  return carried.type === 'String' && carried.text !== undefined ? parseFields(carried.text) : undefined
}

/** Attributes of other senders have types; here they are text. */
export const attributeText = ({ text, bytes }: RawAttribute): string =>
  text ?? (bytes === undefined ? '' : Buffer.from(bytes).toString('base64'))

const attributesOf = (
  { attributes, system }: RawMessage,
  fields: CarriedFields | null | undefined,
): Record<string, string> => {
  const foreign = [...attributes].filter(([name]) => name !== FIELDS_ATTRIBUTE)
  const named = foreign.map(([name, attribute]): [string, string] => [name, attributeText(attribute)])
  const traceparent = attributes.has('traceparent') ? undefined : fromXRay(system.AWSTraceHeader ?? '')
  const traced: [string, string][] = traceparent === undefined ? [] : [['traceparent', traceparent]]
  return Object.fromEntries([...traced, ...named, ...Object.entries(fields?.a ?? {})])
}

const dateOf = (milliseconds: string | undefined): Date | undefined => {
  const moment = Number(milliseconds)
  return milliseconds !== undefined && Number.isSafeInteger(moment) ? new Date(moment) : undefined
}

/** Returns the message as core takes it; its lock is that of `lock`, and moves with it. */
export function toIncoming(raw: RawMessage, origin: Origin, lock: { readonly until: number }): IncomingMessage {
  const fields = fieldsOf(raw)
  const isReadable = fields !== undefined && fields?.bad === undefined
  const body = isReadable ? decodeBody(raw.text, fields?.enc) : undefined
  const malformed = isReadable ? (body === undefined ? 'body' : undefined) : 'qr'
  const { system, brokerMessageId } = raw
  const { dl: note } = fields ?? {}
  return {
    messageId: fields?.id ?? brokerMessageId,
    brokerMessageId,
    body: body ?? textBytes(raw.text),
    malformed,
    sessionId: origin.isFifo ? system.MessageGroupId : undefined,
    correlationId: fields?.cid,
    contentType: fields?.ct,
    attributes: attributesOf(raw, fields),
    deliveryCount: Number(system.ApproximateReceiveCount ?? 1),
    enqueuedAt: dateOf(system.SentTimestamp),
    deadLettered: origin.isDeadLetters
      ? { reason: note?.reason ?? BROKER_REASON, description: note?.description }
      : undefined,
    get lockedUntil() {
      return new Date(lock.until)
    },
  }
}
