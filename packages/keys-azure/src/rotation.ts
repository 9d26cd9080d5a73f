import {
  type CallOptions,
  type KeyRotation,
  keyRotation,
  type Options,
  type PromotedKey,
  type PromoteKeyOptions,
  type RetiredKey,
  type RetireKeyOptions,
} from '@queue-runtime/crypto/provider'
import { LAST_MOMENT_MS } from './limits.ts'
import { type KeyVaultKeyOptions, keyVaultSettings } from './options.ts'
import { layoutOf } from './provider.ts'

/**
 * - `keyId`: with one secret per key, the id of the new key. Where versions are keys, Key Vault makes it
 * - `notBefore`, `expiresAt`: when the new key is valid, in whole seconds; at the latest 2038-01-19. Default always
 * - `waitMs`: how long to wait until the key can be read, in milliseconds. Default 60 000
 */
export interface CreateKeyOptions
  extends CallOptions,
    Options<{ keyId: string; notBefore: Date; expiresAt: Date; waitMs: number }> {}

const WAIT_MS = 60_000

const rotationOf = (store: KeyVaultKeyOptions): KeyRotation => {
  const settings = keyVaultSettings(store)
  const { clock, secret } = settings
  const latest = new Date(LAST_MOMENT_MS)
  return keyRotation(layoutOf(settings), { clock, needsKeyId: secret === undefined, waitMs: WAIT_MS, latest })
}

/**
 * Stores 32 random bytes as a new key, and resolves once everybody can read it. It does not seal yet: give the caches of
 * receivers a minute, then call `promoteKey`. Called again, or from two places at once, it makes one key: with one secret per
 * key that of the id, where versions are keys the one that is not promoted yet.
 *
 * @throws Configuration, Validation: an option · KeyDisabled: the key is there and disabled · KeyProviderError: the vault
 * @example
 * const { keyId } = await createKey({ vaultUrl, credential }, { keyId: 'orders-2026-11' })
 */
export async function createKey(
  store: KeyVaultKeyOptions,
  options: CreateKeyOptions = {},
): Promise<{ readonly keyId: string }> {
  return rotationOf(store).create(options)
}

/**
 * Makes a key the one that seals. Called again it changes nothing; of two keys that are promoted at once one is current, and
 * both open.
 *
 * @throws KeyNotFound, KeyDisabled, InvalidKeyLength, KeyExpired, KeyNotYetValid: the key · Validation: where versions are keys,
 * a newer one is current · KeyProviderError: the vault
 * @example
 * const { previousKeyId } = await promoteKey({ vaultUrl, credential }, { keyId: 'orders-2026-11' })
 */
export async function promoteKey(store: KeyVaultKeyOptions, options: PromoteKeyOptions): Promise<PromotedKey> {
  return rotationOf(store).promote(options)
}

/**
 * Has a key that was replaced seal nothing from `graceMs` on, even if it is stolen, and says when nothing needs it any more. It
 * removes nothing. Called again it changes nothing.
 *
 * @throws Validation: the key is the current one · KeyNotFound, KeyDisabled, InvalidKeyLength: the key · KeyProviderError: the vault
 * @example
 * const { removableAt } = await retireKey({ vaultUrl, credential }, { keyId: 'orders-2026-08', messageLifeMs: 14 * 86_400_000 })
 */
export async function retireKey(store: KeyVaultKeyOptions, options: RetireKeyOptions): Promise<RetiredKey> {
  return rotationOf(store).retire(options)
}
