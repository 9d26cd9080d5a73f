import { randomBytes } from 'node:crypto'

/** Where the fields of a sealed body are (protocol.md 1), as an attacker knows them: written down again, not asked of the library. */
export const AT = { version: 4, encryptedAt: 6, nonce: 14, ciphertextLength: 26, keyIdLength: 30, keyId: 31 } as const

const NONCE_BYTES = 12
const TAG_BYTES = 16

/** Returns a copy of a body in which `edit` has changed something. */
export function edited(body: Uint8Array, edit: (bytes: Buffer) => unknown): Uint8Array {
  const copy = Buffer.from(body)
  edit(copy)
  return Uint8Array.from(copy)
}

/** Returns the moment at which a body says that it was sealed, in milliseconds since 1970. */
export const timeOf = (body: Uint8Array): number => Number(Buffer.from(body).readBigInt64BE(AT.encryptedAt))

/** Returns a copy that says another moment. */
export const retimed = (body: Uint8Array, encryptedAt: number): Uint8Array =>
  edited(body, (bytes) => bytes.writeBigInt64BE(BigInt(encryptedAt), AT.encryptedAt))

export const keyIdOf = (body: Uint8Array): string =>
  Buffer.from(body.subarray(AT.keyId, AT.keyId + (body[AT.keyIdLength] ?? 0))).toString()

/** Returns a copy that names another key. */
export const withKeyId = (body: Uint8Array, keyId: string): Uint8Array => {
  const id = Buffer.from(keyId)
  const rest = body.subarray(AT.keyId + (body[AT.keyIdLength] ?? 0))
  return Uint8Array.from(Buffer.concat([body.subarray(0, AT.keyIdLength), Buffer.of(id.length), id, rest]))
}

/** Returns an envelope as somebody without a key makes one: in perfect form, with random bytes where a key is needed. */
export function forged(keyId: string, encryptedAt: number, ciphertextBytes = 256): Uint8Array {
  const id = Buffer.from(keyId)
  const header = Buffer.alloc(AT.keyId)
  header.write('QRE1')
  header.writeUInt8(1, AT.version)
  header.writeBigInt64BE(BigInt(encryptedAt), AT.encryptedAt)
  header.set(randomBytes(NONCE_BYTES), AT.nonce)
  header.writeUInt32BE(ciphertextBytes, AT.ciphertextLength)
  header.writeUInt8(id.length, AT.keyIdLength)
  return Uint8Array.from(Buffer.concat([header, id, randomBytes(ciphertextBytes + TAG_BYTES)]))
}
