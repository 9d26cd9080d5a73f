import { QueueError } from '@queue-runtime/core'

/** 32 bytes in base64 (RFC 4648 section 4 or 5, padded or not) and in hex: 43 or 44, and 64 characters. */
const ENCODINGS: readonly (readonly [pattern: RegExp, encoding: BufferEncoding])[] = [
  [/^[A-Za-z0-9+/_-]{43}=?$/, 'base64'],
  [/^[0-9A-Fa-f]{64}$/, 'hex'],
]

/**
 * True for text that could be a key. Where an id is expected it is refused: ids are printed.
 *
 * @example
 * isKeyText('orders-2026-11') // false
 */
export const isKeyText = (text: string): boolean => ENCODINGS.some(([pattern]) => pattern.test(text))

/**
 * Returns the 32 bytes of a key that is kept as text: base64, base64url or hex, with white space around it. The caller zeroes them;
 * the text itself is immutable and stays in memory until it is collected.
 *
 * @throws InvalidKeyLength naming the key id, never the text
 * @example
 * const key = EncryptionKey.fromBytes(id, decodeKeyText(id, secret.value), { zeroSource: true })
 */
export function decodeKeyText(keyId: string, text: string): Uint8Array {
  const trimmed = text.trim()
  const encoding = ENCODINGS.find(([pattern]) => pattern.test(trimmed))?.[1]
  if (encoding === undefined) {
    throw new QueueError('InvalidKeyLength', `The key ${keyId} is not 32 bytes in base64 or hex.`)
  }
  // Not Buffer.from: it decodes into a pool that many buffers share.
  const bytes = Buffer.alloc(32)
  bytes.write(trimmed, encoding)
  return bytes
}
