import { randomBytes } from 'node:crypto'
import { KEY_ID } from './keys.ts'

/** Offsets of protocol.md 1.1, as an attacker knows them: written down again, not taken from the code that is attacked. */
export const AT = {
  version: 4,
  flags: 5,
  encryptedAt: 6,
  nonce: 14,
  ciphertextLength: 26,
  keyIdLength: 30,
  keyId: 31,
} as const

export const TAG_LENGTH = 16
export const PADDED = 1

const NONCE_LENGTH = 12

/** Returns a copy of `body` in which `edit` has changed something. */
export function edited(body: Uint8Array, edit: (bytes: Buffer) => unknown): Uint8Array {
  const copy = Buffer.from(body)
  edit(copy)
  return Uint8Array.from(copy)
}

/** Returns a copy with one bit flipped; bits count from the first byte's highest. */
export const flipped = (body: Uint8Array, bit: number): Uint8Array =>
  edited(body, (bytes) => {
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (0x80 >> (bit & 7))
  })

/** Returns a copy that says that it was sealed at another moment. */
export const retimed = (body: Uint8Array, encryptedAt: number): Uint8Array =>
  edited(body, (bytes) => bytes.writeBigInt64BE(BigInt(encryptedAt), AT.encryptedAt))

export const nonceOf = (body: Uint8Array): Uint8Array => body.slice(AT.nonce, AT.nonce + NONCE_LENGTH)

/** Where the ciphertext begins. */
export const headerLengthOf = (body: Uint8Array): number => AT.keyId + (body[AT.keyIdLength] ?? 0)

interface Forgery {
  readonly encryptedAt: number
  readonly keyId?: string | Uint8Array
  readonly version?: number
  readonly flags?: number
  /** What the length field says; by default the truth. */
  readonly claimedLength?: number
  readonly ciphertextLength?: number
}

/** Returns an envelope as somebody without a key makes one: in perfect form, with random bytes where a key is needed. */
export function forged(forgery: Forgery): Uint8Array {
  const { encryptedAt, keyId = KEY_ID, version = 1, flags = 0, ciphertextLength = 16 } = forgery
  const id = Buffer.from(keyId)
  const header = Buffer.alloc(AT.keyId)
  header.write('QRE1')
  header.writeUInt8(version, AT.version)
  header.writeUInt8(flags, AT.flags)
  header.writeBigInt64BE(BigInt(encryptedAt), AT.encryptedAt)
  header.set(randomBytes(NONCE_LENGTH), AT.nonce)
  header.writeUInt32BE(forgery.claimedLength ?? ciphertextLength, AT.ciphertextLength)
  header.writeUInt8(id.length, AT.keyIdLength)
  return Uint8Array.from(Buffer.concat([header, id, randomBytes(ciphertextLength + TAG_LENGTH)]))
}
