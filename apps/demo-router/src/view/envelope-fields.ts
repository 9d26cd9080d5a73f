import { EncryptedMessage } from '@queue-runtime/crypto'

/** A run of bytes of a sealed body and what it is. */
export interface EnvelopeField {
  readonly name: string
  readonly from: number
  readonly to: number
  /** What the bytes say, where that can be read without a key. */
  readonly value: string | null
}

/** Names the fields of a sealed body (protocol.md 1), or returns none where it is not one. Nothing of it is verified. */
export function envelopeFields(body: Uint8Array): EnvelopeField[] {
  const parsed = parse(body)
  if (parsed === undefined) return []
  const { version, keyId, encryptedAt, nonce, ciphertext, authTag } = parsed
  const parts: readonly (readonly [name: string, length: number, value: string | null])[] = [
    ['marker', 4, 'QRE1'],
    ['version', 1, String(version)],
    ['flags', 1, null],
    ['time', 8, encryptedAt.toISOString()],
    ['nonce', nonce.length, null],
    ['ciphertext length', 4, `${ciphertext.length} bytes`],
    ['key id length', 1, `${keyId.length} bytes`],
    ['key id', keyId.length, keyId],
    ['ciphertext', ciphertext.length, null],
    ['tag', authTag.length, null],
  ]
  let from = 0
  return parts.map(([name, length, value]) => {
    const field = { name, from, to: from + length, value }
    from = field.to
    return field
  })
}

const parse = (body: Uint8Array): EncryptedMessage | undefined => {
  try {
    return EncryptedMessage.fromBytes(body)
  } catch {
    return undefined
  }
}
