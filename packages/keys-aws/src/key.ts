import { EncryptionKey } from '@queue-runtime/crypto'
import { decodeKeyText, QueueError } from '@queue-runtime/crypto/provider'
import { disabledKey } from './errors.ts'
import { parseFacts } from './facts.ts'
import type { SecretValue } from './manager.ts'

const bytesOf = (keyId: string, { bytes, text }: SecretValue): Uint8Array => {
  if (bytes !== undefined) return bytes
  if (text !== undefined) return decodeKeyText(keyId, text)
  throw new QueueError('InvalidKeyLength', `The secret of the key ${keyId} holds neither bytes nor a text.`)
}

/**
 * Returns the key that a version holds, with what its tag says of it.
 *
 * @throws KeyDisabled · InvalidKeyLength naming the key id, never the value
 */
export function toKey(keyId: string, value: SecretValue, tag: string | undefined): EncryptionKey {
  const facts = parseFacts(tag)
  if (facts === null) throw disabledKey(keyId, 'has a tag that cannot be read')
  const { isEnabled, notBefore, expiresAt } = facts
  if (!isEnabled) throw disabledKey(keyId, 'is disabled by its tag')
  const bytes = bytesOf(keyId, value)
  try {
    return EncryptionKey.fromBytes(keyId, bytes, { createdAt: value.createdAt, notBefore, expiresAt })
  } finally {
    bytes.fill(0)
  }
}
