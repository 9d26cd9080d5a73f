import { QueueError } from '@queue-runtime/core'
import { isEncrypted } from '@queue-runtime/core/provider'
import { isKeyId } from './key-id.ts'

/** Version 1 of the wire format (protocol.md 1): offsets and lengths in bytes, integers big-endian. */
export const LAYOUT = {
  version: 4,
  flags: 5,
  encryptedAt: 6,
  nonce: 14,
  ciphertextLength: 26,
  keyIdLength: 30,
  keyId: 31,
  nonceLength: 12,
  tagLength: 16,
} as const

/** `QRE1` */
const MARKER = 0x51524531
const VERSION = 1
const PADDED = 0b1
const MAX_KEY_ID_LENGTH = 128

/** The years 2020 to 9999: a writer of seconds fails loudly instead of reading as 1970. */
const MIN_TIME_MS = 1_577_836_800_000
const MAX_TIME_MS = 253_402_300_799_999
/** What the upper four bytes of the time count in: a number holds it exactly, and is much faster than a bigint. */
const HIGH_HALF = 2 ** 32

/** 64 MiB, far above what any broker carries: refused before anything is allocated. */
export const DEFAULT_MAX_CIPHERTEXT_BYTES: number = 64 * 2 ** 20

/** What stands in the clear before the ciphertext, and is authenticated with it. */
export interface EnvelopeHeader {
  readonly keyId: string
  readonly encryptedAt: Date
  readonly nonce: Uint8Array
  readonly isPadded: boolean
}

/** A sealed body, taken apart. Nothing of it is verified: whoever can write to the queue can write one. */
export interface EncryptedMessage extends EnvelopeHeader {
  readonly version: 1
  readonly ciphertext: Uint8Array
  readonly authTag: Uint8Array
  /** The sealed body, byte for byte. */
  toBytes(): Uint8Array
}

/** Length of the header of a sealed body, which is the first part of what the tag covers. */
export const headerLength = (keyId: string): number => LAYOUT.keyId + keyId.length

/** An element of the array takes the lowest eight bits of what it is given. */
const writeUint32 = (bytes: Uint8Array, value: number, at: number): void => {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}

/**
 * Returns a sealed body with its header written and room for ciphertext and tag.
 * @throws EncryptionFailed where a field does not fit the format
 */
export function allocateEnvelope(header: EnvelopeHeader, ciphertextLength: number): Uint8Array {
  const { keyId, encryptedAt, nonce } = header
  const time = encryptedAt.getTime()
  if (!isKeyId(keyId) || nonce.length !== LAYOUT.nonceLength || !(time >= MIN_TIME_MS && time <= MAX_TIME_MS)) {
    throw new QueueError('EncryptionFailed', 'The key id, the nonce or the time does not fit the envelope.')
  }
  const bytes = new Uint8Array(headerLength(keyId) + ciphertextLength + LAYOUT.tagLength)
  writeHeader(bytes, header, ciphertextLength)
  return bytes
}

/** Writes a header where `bytes` begin. */
export function writeHeader(
  bytes: Uint8Array,
  { keyId, encryptedAt, nonce, isPadded }: EnvelopeHeader,
  ciphertextLength: number,
): void {
  const time = encryptedAt.getTime()
  writeUint32(bytes, MARKER, 0)
  bytes[LAYOUT.version] = VERSION
  bytes[LAYOUT.flags] = isPadded ? PADDED : 0
  writeUint32(bytes, Math.floor(time / HIGH_HALF), LAYOUT.encryptedAt)
  writeUint32(bytes, time % HIGH_HALF, LAYOUT.encryptedAt + 4)
  bytes.set(nonce, LAYOUT.nonce)
  writeUint32(bytes, ciphertextLength, LAYOUT.ciphertextLength)
  bytes[LAYOUT.keyIdLength] = keyId.length
  for (let index = 0; index < keyId.length; index++) bytes[LAYOUT.keyId + index] = keyId.charCodeAt(index)
}

/**
 * A sealed body whose form is known to be right. Ciphertext and tag are views, made when they are asked for; what the header says
 * is kept apart, so that what was looked at is what the tag is checked against, though the bytes be written to meanwhile.
 */
export class SealedBody implements EncryptedMessage {
  readonly version: 1 = VERSION
  readonly keyId: string
  readonly encryptedAt: Date
  readonly nonce: Uint8Array
  readonly isPadded: boolean
  readonly #bytes: Uint8Array

  constructor(bytes: Uint8Array, { keyId, encryptedAt, nonce, isPadded }: EnvelopeHeader) {
    this.#bytes = bytes
    this.keyId = keyId
    this.encryptedAt = encryptedAt
    this.nonce = nonce
    this.isPadded = isPadded
  }

  get ciphertext(): Uint8Array {
    return this.#bytes.subarray(headerLength(this.keyId), -LAYOUT.tagLength)
  }

  get authTag(): Uint8Array {
    return this.#bytes.subarray(-LAYOUT.tagLength)
  }

  toBytes(): Uint8Array {
    return this.#bytes
  }
}

const refuse = (reason: string): QueueError<'InvalidEnvelope'> =>
  new QueueError('InvalidEnvelope', `The envelope is invalid: ${reason}.`, { facts: { reason } })

/**
 * Takes a sealed body apart, in the order of protocol.md 1: the first rule that is broken decides. Ciphertext and tag are views.
 * @throws InvalidEnvelope{reason} · UnsupportedVersion{version}
 */
export function parseEnvelope(
  body: Uint8Array,
  maxCiphertextBytes: number = DEFAULT_MAX_CIPHERTEXT_BYTES,
): EncryptedMessage {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  if (!isEncrypted(bytes)) throw refuse('marker')
  if (bytes.length <= LAYOUT.version) throw refuse('truncated')
  const version = bytes.readUInt8(LAYOUT.version)
  if (version !== VERSION) {
    throw new QueueError('UnsupportedVersion', `The envelope has version ${version}.`, { facts: { version } })
  }
  if (bytes.length < LAYOUT.keyId) throw refuse('truncated')
  const flags = bytes.readUInt8(LAYOUT.flags)
  if ((flags & ~PADDED) !== 0) throw refuse('reserved_flags')
  const time = bytes.readInt32BE(LAYOUT.encryptedAt) * HIGH_HALF + bytes.readUInt32BE(LAYOUT.encryptedAt + 4)
  if (time < MIN_TIME_MS || time > MAX_TIME_MS) throw refuse('timestamp_range')
  const ciphertextLength = bytes.readUInt32BE(LAYOUT.ciphertextLength)
  if (ciphertextLength > maxCiphertextBytes) throw refuse('too_large')
  const keyIdLength = bytes.readUInt8(LAYOUT.keyIdLength)
  if (keyIdLength < 1 || keyIdLength > MAX_KEY_ID_LENGTH) throw refuse('key_id_length')
  const ciphertextAt = LAYOUT.keyId + keyIdLength
  if (bytes.length < ciphertextAt) throw refuse('truncated')
  const keyId = bytes.toString('latin1', LAYOUT.keyId, ciphertextAt)
  if (!isKeyId(keyId)) throw refuse('key_id_charset')
  const end = ciphertextAt + ciphertextLength + LAYOUT.tagLength
  if (bytes.length < end) throw refuse('truncated')
  if (bytes.length > end) throw refuse('trailing_bytes')
  const nonce = new Uint8Array(body.subarray(LAYOUT.nonce, LAYOUT.nonce + LAYOUT.nonceLength))
  return new SealedBody(body, { keyId, encryptedAt: new Date(time), nonce, isPadded: flags === PADDED })
}

/** The door to the format. */
export const EncryptedMessage: { fromBytes(body: Uint8Array): EncryptedMessage } = {
  /**
   * Takes a sealed body apart; verifies nothing but its form.
   * @throws InvalidEnvelope{reason} · UnsupportedVersion{version}
   */
  fromBytes: (body) => parseEnvelope(body),
}
