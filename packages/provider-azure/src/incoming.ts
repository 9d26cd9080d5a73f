import type { ServiceBusReceivedMessage } from '@azure/service-bus'
import type { IncomingMessage } from '@queue-runtime/core/provider'

/** The application property that holds the sender's id of a message (protocol.md 2). */
export const MESSAGE_ID = 'qr-message-id'

/** Where Service Bus SDKs look for the trace of a message; it says the same as `traceparent`. */
export const DIAGNOSTIC_ID = 'Diagnostic-Id'

/** What Service Bus itself writes into a dead letter. */
const REASON = 'DeadLetterReason'
const DESCRIPTION = 'DeadLetterErrorDescription'

/** The queue that a message came from, as far as it matters for what the message says. */
export interface Origin {
  readonly isDeadLetters: boolean
}

/** What is used of a received message of the SDK. */
export type RawMessage = Pick<
  ServiceBusReceivedMessage,
  | 'body'
  | 'messageId'
  | 'sessionId'
  | 'correlationId'
  | 'contentType'
  | 'applicationProperties'
  | 'deliveryCount'
  | 'enqueuedTimeUtc'
  | 'deadLetterReason'
  | 'deadLetterErrorDescription'
> & { readonly sequenceNumber?: { toString(): string } | undefined }

const utf8 = new TextEncoder()
const isBytes = (value: unknown): value is Uint8Array => value instanceof Uint8Array
const base64 = ({ buffer, byteOffset, byteLength }: Uint8Array): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString('base64')

/** Buffers write themselves as JSON before a replacer sees them. */
const bytesToText = (value: unknown): unknown => {
  if (isBytes(value)) return base64(value)
  if (typeof value === 'bigint') return String(value)
  if (value instanceof Date || typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(bytesToText)
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, bytesToText(each)]))
}

const json = (value: unknown): string => JSON.stringify(bytesToText(value)) ?? ''

/**
 * The bytes of a body, in an ArrayBuffer of their own. Of a data section as they are, several joined. Other senders may have
 * written a value or a sequence instead: text as UTF-8, binary as it is, nothing as no bytes, all else as JSON.
 */
export function bodyBytes(body: unknown): Uint8Array {
  if (isBytes(body)) return new Uint8Array(body)
  if (body === undefined || body === null) return new Uint8Array(0)
  if (typeof body === 'string') return new Uint8Array(utf8.encode(body))
  if (Array.isArray(body) && body.length > 0 && body.every(isBytes)) return new Uint8Array(Buffer.concat(body))
  return new Uint8Array(utf8.encode(json(body)))
}

/** Properties and ids of other senders have types; here they are text. */
const textOf = (value: unknown): string => {
  if (typeof value === 'string') return value
  if (value === undefined || value === null) return ''
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? '' : value.toISOString()
  if (isBytes(value)) return base64(value)
  return typeof value === 'object' ? json(value) : String(value)
}

const textOrNone = (value: unknown): string | undefined => textOf(value) || undefined

const isMessageId = (value: unknown): value is string => typeof value === 'string' && /^[\x21-\x7e]{1,128}$/.test(value)

const attributesOf = (properties: Readonly<Record<string, unknown>>, { isDeadLetters }: Origin) => {
  const { [MESSAGE_ID]: _, [DIAGNOSTIC_ID]: trace, ...others } = properties
  const own = isDeadLetters ? [REASON, DESCRIPTION] : []
  const named = Object.entries(others).filter(([name]) => !own.includes(name))
  const traced: [string, unknown][] = trace === undefined || 'traceparent' in others ? [] : [['traceparent', trace]]
  return Object.fromEntries([...traced, ...named].map(([name, value]): [string, string] => [name, textOf(value)]))
}

/** What can be as odd as a sender likes: values in values, as deep as the SDK decoded them. */
const contentOf = (raw: RawMessage, origin: Origin) => ({
  ownId: raw.applicationProperties?.[MESSAGE_ID],
  brokerId: textOf(raw.messageId),
  body: bodyBytes(raw.body),
  attributes: attributesOf(raw.applicationProperties ?? {}, origin),
  sessionId: textOrNone(raw.sessionId),
  correlationId: textOrNone(raw.correlationId),
  contentType: textOrNone(raw.contentType),
  deadLettered: origin.isDeadLetters
    ? {
        reason: textOrNone(raw.deadLetterReason) ?? 'Unknown',
        description: textOrNone(raw.deadLetterErrorDescription),
      }
    : undefined,
})

const NOTHING: RawMessage = { body: undefined }

/** Throws on no message: it would take all that came with it along. */
const readable = (raw: RawMessage, origin: Origin): ReturnType<typeof contentOf> & { readonly isWhole: boolean } => {
  try {
    return { ...contentOf(raw, origin), isWhole: true }
  } catch {
    return { ...contentOf(NOTHING, origin), isWhole: false }
  }
}

/** Returns the message as core takes it; its lock is that of `lock`, and moves with it. */
export function toIncoming(raw: RawMessage, origin: Origin, lock: { readonly until: number }): IncomingMessage {
  const { ownId, brokerId, isWhole, ...content } = readable(raw, origin)
  const brokerMessageId = raw.sequenceNumber?.toString() ?? ''
  const isReadable = ownId === undefined || isMessageId(ownId)
  const messageId = isReadable ? (ownId ?? brokerId) : undefined
  return {
    ...content,
    messageId: isMessageId(messageId) ? messageId : brokerMessageId,
    brokerMessageId,
    malformed: isWhole ? (isReadable ? undefined : MESSAGE_ID) : 'content',
    deliveryCount: (raw.deliveryCount ?? 0) + 1,
    enqueuedAt: raw.enqueuedTimeUtc,
    get lockedUntil() {
      return new Date(lock.until)
    },
  }
}
