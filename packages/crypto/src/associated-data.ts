import { QueueError } from '@queue-runtime/core'

/** What the tag of a message covers beside its header (protocol.md 2). */
export interface MessageContext {
  readonly messageId: string
  readonly sessionId?: string | undefined
  readonly correlationId?: string | undefined
  readonly audience?: string | undefined
  readonly attributes?: Readonly<Record<string, string>> | undefined
}

const MAX_FIELD_BYTES = 0xffff

const reject = (field: string, rule: 'required' | 'out-of-range' | 'invalid-format'): QueueError<'Validation'> =>
  new QueueError('Validation', `${field} cannot be authenticated.`, { facts: { field, rule } })

/** `00` where absent, else `01`, the length in two bytes and the UTF-8 bytes: decoded in one way only. Returns its length. */
const measureField = (name: string, value: string | undefined): number => {
  if (value === undefined) return 1
  if (!value.isWellFormed()) throw reject(name, 'invalid-format')
  const length = Buffer.byteLength(value)
  if (length > MAX_FIELD_BYTES) throw reject(name, 'out-of-range')
  return 3 + length
}

/** Writes what `measureField` measured and returns where it ends. */
const writeField = (bytes: Buffer, value: string | undefined, at: number): number => {
  if (value === undefined) return bytes.writeUInt8(0, at)
  const length = bytes.write(value, at + 3)
  bytes.writeUInt8(1, at)
  bytes.writeUInt16BE(length, at + 1)
  return at + 3 + length
}

const DOMAIN = 'queue-runtime/message'
const DOMAIN_BYTES = measureField('domain', DOMAIN)

/** Ascending by the bytes of the name, which is another order than that of JavaScript's texts. */
const sortedEntries = (attributes: Readonly<Record<string, string>>): [name: string, value: string][] =>
  Object.entries(attributes).sort(([one], [other]) => Buffer.compare(Buffer.from(one), Buffer.from(other)))

/** Brokers do not tell an empty text from none. */
const orAbsent = (text: string | undefined): string | undefined => text || undefined

/**
 * Returns the associated data of a message. Two different contexts never have the same bytes.
 * @throws Validation where a field is empty, too long or not well-formed
 */
export function encodeContext(context: MessageContext): Uint8Array {
  const { messageId, sessionId, attributes = {} } = context
  const correlationId = orAbsent(context.correlationId)
  const audience = orAbsent(context.audience)
  if (messageId === '') throw reject('messageId', 'required')
  if (sessionId === '') throw reject('sessionId', 'required')
  const entries = sortedEntries(attributes)
  if (entries.length > MAX_FIELD_BYTES) throw reject('attributes', 'out-of-range')

  let length = DOMAIN_BYTES + measureField('messageId', messageId) + measureField('sessionId', sessionId)
  length += measureField('correlationId', correlationId) + measureField('audience', audience) + 2
  for (const [name, value] of entries) {
    length += measureField('attributes', name) + measureField(`attributes.${name}`, value)
  }

  const bytes = Buffer.allocUnsafe(length)
  let at = writeField(bytes, DOMAIN, 0)
  at = writeField(bytes, messageId, at)
  at = writeField(bytes, sessionId, at)
  at = writeField(bytes, correlationId, at)
  at = writeField(bytes, audience, at)
  at = bytes.writeUInt16BE(entries.length, at)
  for (const [name, value] of entries) at = writeField(bytes, value, writeField(bytes, name, at))
  return bytes
}
