import { QueueError } from '@queue-runtime/core'

/** What the tag of a message covers beside its header (protocol.md 2). */
export interface MessageContext {
  readonly messageId: string
  readonly sessionId?: string | undefined
  readonly correlationId?: string | undefined
  readonly audience?: string | undefined
  readonly attributes?: Readonly<Record<string, string>> | undefined
}

const DOMAIN = 'queue-runtime/message'
const MAX_FIELD_BYTES = 0xffff

const reject = (field: string, rule: 'required' | 'out-of-range' | 'invalid-format'): QueueError<'Validation'> =>
  new QueueError('Validation', `${field} cannot be authenticated.`, { facts: { field, rule } })

const ABSENT = Uint8Array.of(0)

/** `00` where absent, else `01`, the length in two bytes and the UTF-8 bytes: decoded in one way only. */
const encodeField = (name: string, value: string | undefined): Uint8Array => {
  if (value === undefined) return ABSENT
  if (!value.isWellFormed()) throw reject(name, 'invalid-format')
  const length = Buffer.byteLength(value)
  if (length > MAX_FIELD_BYTES) throw reject(name, 'out-of-range')
  const bytes = Buffer.allocUnsafe(3 + length)
  bytes.writeUInt8(1, 0)
  bytes.writeUInt16BE(length, 1)
  bytes.write(value, 3)
  return bytes
}

const encodeAttributes = (attributes: Readonly<Record<string, string>>): Uint8Array[] => {
  const entries = Object.entries(attributes)
  if (entries.length > MAX_FIELD_BYTES) throw reject('attributes', 'out-of-range')
  const count = Buffer.allocUnsafe(2)
  count.writeUInt16BE(entries.length)
  const encoded = entries
    .map(([name, value]) => ({
      name: encodeField('attributes', name),
      value: encodeField(`attributes.${name}`, value),
    }))
    .sort((a, b) => Buffer.compare(a.name.subarray(3), b.name.subarray(3)))
  return [count, ...encoded.flatMap(({ name, value }) => [name, value])]
}

/** Brokers do not tell an empty text from none. */
const orAbsent = (text: string | undefined): string | undefined => text || undefined

/**
 * Returns the associated data of a message. Two different contexts never have the same bytes.
 * @throws Validation where a field is empty, too long or not well-formed
 */
export function encodeContext(context: MessageContext): Uint8Array {
  const { messageId, sessionId, correlationId, audience, attributes = {} } = context
  if (messageId === '') throw reject('messageId', 'required')
  if (sessionId === '') throw reject('sessionId', 'required')
  return Buffer.concat([
    encodeField('domain', DOMAIN),
    encodeField('messageId', messageId),
    encodeField('sessionId', sessionId),
    encodeField('correlationId', orAbsent(correlationId)),
    encodeField('audience', orAbsent(audience)),
    ...encodeAttributes(attributes),
  ])
}
