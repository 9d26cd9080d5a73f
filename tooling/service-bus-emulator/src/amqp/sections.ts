import { AmqpRefusal, CONDITION } from './conditions.ts'

/** The sections of a message, by the codes of their descriptors (AMQP 1.0, part 3, 3.2). */
export const SECTION = {
  header: 0x70,
  deliveryAnnotations: 0x71,
  messageAnnotations: 0x72,
  properties: 0x73,
  applicationProperties: 0x74,
  data: 0x75,
} as const

export interface Section {
  readonly code: number
  /** All of it, with its descriptor. */
  readonly bytes: Buffer
  /** Its value alone. */
  readonly value: Buffer
}

/** Bytes of values of a fixed width, by the first digit of their type code (AMQP 1.0, part 1, 1.2). */
const FIXED_WIDTH: Readonly<Record<number, number>> = { 4: 0, 5: 1, 6: 2, 7: 4, 8: 8, 9: 16 }

const isOneByteSize = (digit: number): boolean => digit === 0xa || digit === 0xc || digit === 0xe

/** Where the value that begins at `at` ends. */
function endOfValue(bytes: Buffer, at: number): number {
  const code = bytes.readUInt8(at)
  if (code === 0) return endOfValue(bytes, endOfValue(bytes, at + 1))
  const digit = code >> 4
  const width = FIXED_WIDTH[digit]
  if (width !== undefined) return at + 1 + width
  return isOneByteSize(digit) ? at + 2 + bytes.readUInt8(at + 1) : at + 5 + bytes.readUInt32BE(at + 1)
}

const DESCRIBED = 0x00
const SMALL_ULONG = 0x53
const ULONG = 0x80

/** Service Bus clients write descriptors as numbers, never as symbols. */
const codeAt = (bytes: Buffer, at: number): number => {
  const type = bytes.readUInt8(at)
  if (type === SMALL_ULONG) return bytes.readUInt8(at + 1)
  return type === ULONG ? Number(bytes.readBigUInt64BE(at + 1)) : -1
}

/** Cuts a message into its sections without decoding them. @throws amqp:decode-error */
export function splitSections(message: Uint8Array): Section[] {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength)
  const sections: Section[] = []
  try {
    for (let at = 0; at < bytes.length; ) {
      if (bytes.readUInt8(at) !== DESCRIBED) throw new RangeError('A section has a descriptor.')
      const value = endOfValue(bytes, at + 1)
      const end = endOfValue(bytes, value)
      if (end > bytes.length) throw new RangeError('A section is cut off.')
      sections.push({ code: codeAt(bytes, at + 1), bytes: bytes.subarray(at, end), value: bytes.subarray(value, end) })
      at = end
    }
    return sections
  } catch {
    throw new AmqpRefusal(CONDITION.decodeError, 'The message is no AMQP message.')
  }
}
