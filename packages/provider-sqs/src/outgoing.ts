import type { MessageAttributeValue, SendMessageBatchRequestEntry } from '@aws-sdk/client-sqs'
import type { WireMessage } from '@queue-runtime/core/provider'
import { encodeBody, isCarried } from './body-text.ts'
import { FIELDS_ATTRIBUTE, writeFields } from './carried-fields.ts'
import { toXRay } from './trace-header.ts'

/** A message as SQS takes it, without what only a batch needs. */
export type Entry = Omit<SendMessageBatchRequestEntry, 'Id' | 'MessageBody'> & { readonly MessageBody: string }

type Attributes = Record<string, MessageAttributeValue>

export const text = (value: string): MessageAttributeValue => ({ DataType: 'String', StringValue: value })

/** These are known to others and stand beside `qr` where SQS carries them. */
const BESIDE = ['traceparent', 'tracestate']

const isBeside = ([name, value]: readonly [string, string]): boolean =>
  BESIDE.includes(name) && value !== '' && isCarried(value)

export const traceHeader = (xRay: string | undefined): Pick<Entry, 'MessageSystemAttributes'> =>
  xRay === undefined ? {} : { MessageSystemAttributes: { AWSTraceHeader: text(xRay) } }

/** Returns how the message goes to SQS (protocol.md 2, "Carriage on SQS"). The size is that of the entry, in bytes. */
export function toEntry(message: WireMessage, delaySeconds: number | undefined): { entry: Entry; size: number } {
  const { text: body, encoding } = encodeBody(message.body)
  const attributes = Object.entries(message.attributes ?? {})
  const within = attributes.filter((one) => !isBeside(one))
  const fields = writeFields({
    v: 1,
    id: message.messageId,
    cid: message.correlationId,
    ct: message.contentType,
    enc: encoding,
    a: within.length > 0 ? Object.fromEntries(within) : undefined,
  })
  const carried: Attributes = { [FIELDS_ATTRIBUTE]: text(fields) }
  for (const [name, value] of attributes.filter(isBeside)) carried[name] = text(value)
  const entry: Entry = {
    MessageBody: body,
    MessageAttributes: carried,
    ...traceHeader(toXRay(message.attributes?.traceparent ?? '')),
    ...(delaySeconds !== undefined && { DelaySeconds: delaySeconds }),
    ...(message.sessionId !== undefined && {
      MessageGroupId: message.sessionId,
      MessageDeduplicationId: message.deduplicationId,
    }),
  }
  return { entry, size: sizeOf(entry) }
}

/**
 * Returns what counts of an entry: its body and the names, types and values of its attributes, in bytes. System attributes do
 * not count.
 *
 * Source: "Amazon SQS message quotas" and "Amazon SQS message metadata", Amazon SQS Developer Guide.
 */
export function sizeOf({ MessageBody, MessageAttributes = {} }: Entry): number {
  let size = Buffer.byteLength(MessageBody)
  for (const [name, { DataType = '', StringValue = '', BinaryValue }] of Object.entries(MessageAttributes)) {
    size += Buffer.byteLength(name) + Buffer.byteLength(DataType) + Buffer.byteLength(StringValue)
    size += BinaryValue?.byteLength ?? 0
  }
  return size
}
