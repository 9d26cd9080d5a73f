import { EncryptionKey } from '@queue-runtime/crypto'
import { decodeKeyText } from '@queue-runtime/crypto/provider'
import { disabledKey } from './errors.ts'
import type { SecretValue } from './vault.ts'

/**
 * Returns the key that a secret holds, with what the vault knows of it. Key Vault may still serve what is disabled or expired.
 *
 * @throws KeyDisabled · InvalidKeyLength naming the key id, never the value
 */
export function toKey(
  keyId: string,
  { value, isEnabled, createdAt, notBefore, expiresAt }: SecretValue,
): EncryptionKey {
  if (!isEnabled) throw disabledKey(keyId)
  // A window that is none, as a slip of the hand makes it, is a matter of this key alone.
  if (notBefore && expiresAt && expiresAt <= notBefore) throw disabledKey(keyId, 'expires before it begins')
  return EncryptionKey.fromBytes(keyId, decodeKeyText(keyId, value), {
    ...{ createdAt, notBefore, expiresAt },
    zeroSource: true,
  })
}
