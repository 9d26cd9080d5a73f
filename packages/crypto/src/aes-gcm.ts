import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto'
import { QueueError } from '@queue-runtime/core'
import {
  allocateEnvelope,
  type EncryptedMessage,
  type EnvelopeHeader,
  headerLength,
  LAYOUT,
  SealedBody,
  writeHeader,
} from './envelope.ts'
import { pad, unpad } from './padding.ts'

const ALGORITHM = 'aes-256-gcm'

/** Always given: without it Node accepts tags of four bytes. */
const TAG = { authTagLength: LAYOUT.tagLength } as const

/** One text for a wrong key, tag, nonce, ciphertext or context: it never tells which (requirements X21). */
const notAuthentic = (): QueueError<'AuthenticationFailed'> =>
  new QueueError('AuthenticationFailed', 'The message is not authentic.')

/** Frees memory at once: what piles up until the next collection makes every allocation slower. */
const giveBack = ({ buffer, length }: Buffer<ArrayBuffer>): void => {
  if (length === buffer.byteLength) buffer.transfer(0)
}

/**
 * What the tag covers: header ‖ associatedData. The header is self-delimiting and stands first, so that the join is injective for
 * any associated data (protocol.md 2).
 */
const authenticatedBytes = (
  header: EnvelopeHeader,
  ciphertextLength: number,
  associatedData: Uint8Array,
): Uint8Array => {
  const length = headerLength(header.keyId)
  const bytes = Buffer.allocUnsafe(length + associatedData.length)
  writeHeader(bytes, header, ciphertextLength)
  bytes.set(associatedData, length)
  return bytes
}

/** Returns the sealed message: header, ciphertext, tag. The nonce must never have been used with this key. */
export function seal(
  key: KeyObject,
  header: EnvelopeHeader,
  plaintext: Uint8Array,
  associatedData: Uint8Array,
): EncryptedMessage {
  const content = header.isPadded ? pad(plaintext) : plaintext
  const envelope = allocateEnvelope(header, content.length)
  const ciphertextAt = headerLength(header.keyId)
  const cipher = createCipheriv(ALGORITHM, key, header.nonce, TAG)
  cipher.setAAD(authenticatedBytes(header, content.length, associatedData))
  const ciphertext = cipher.update(content)
  envelope.set(ciphertext, ciphertextAt)
  giveBack(ciphertext)
  cipher.final()
  envelope.set(cipher.getAuthTag(), ciphertextAt + content.length)
  return new SealedBody(envelope, header)
}

/**
 * Returns the plaintext, in a buffer of its own, once the tag is verified.
 * @throws AuthenticationFailed · InvalidEnvelope{padding}: authentic, but padded in another way than the format's
 */
export function open(key: KeyObject, message: EncryptedMessage, associatedData: Uint8Array): Uint8Array {
  const { ciphertext } = message
  const decipher = createDecipheriv(ALGORITHM, key, message.nonce, TAG)
  decipher.setAAD(authenticatedBytes(message, ciphertext.length, associatedData))
  decipher.setAuthTag(message.authTag)
  const content = decipher.update(ciphertext)
  try {
    decipher.final()
  } catch {
    // `update` has written plaintext that nobody vouches for; OpenSSL's own error is dropped with it.
    content.fill(0)
    throw notAuthentic()
  }
  if (!message.isPadded) return new Uint8Array(content.buffer, content.byteOffset, content.byteLength)
  const plaintext = unpad(content)
  content.fill(0)
  if (plaintext !== undefined) return plaintext
  throw new QueueError('InvalidEnvelope', 'The envelope is invalid: padding.', { facts: { reason: 'padding' } })
}
