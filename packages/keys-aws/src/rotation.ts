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
import { type SecretsManagerKeyOptions, secretsManagerSettings } from './options.ts'
import { layoutOf } from './provider.ts'

/**
 * - `keyId`: with one secret per key, the id of the new key. Where versions are keys it may be left out: then it is that of the
 *   version with AWSPENDING, or of the one successor that each current version has
 * - `notBefore`, `expiresAt`: when the new key is valid. Default always
 * - `waitMs`: how long to wait until the key can be read, in milliseconds. Default 360 000: for five minutes ListSecrets may not
 *   know of a secret
 */
export interface CreateKeyOptions
  extends CallOptions,
    Options<{ keyId: string; notBefore: Date; expiresAt: Date; waitMs: number }> {}

/** ListSecrets may be five minutes behind; and one to spare. */
const WAIT_MS = 360_000

/** A client that was made here is closed here. */
const withRotation = async <T>(
  store: SecretsManagerKeyOptions,
  use: (rotation: KeyRotation) => Promise<T>,
): Promise<T> => {
  const settings = secretsManagerSettings(store)
  const { clock, place } = settings
  try {
    return await use(keyRotation(layoutOf(settings), { clock, needsKeyId: 'prefix' in place, waitMs: WAIT_MS }))
  } finally {
    if (settings.isOwnClient) settings.client.destroy()
  }
}

/**
 * Stores 32 random bytes as a new key, and resolves once it can be read. It does not seal yet: give the caches of receivers a
 * minute, then call `promoteKey`. Called again, or from two places at once, it makes one key: with one secret per key that of
 * the id, where versions are keys the one that is not promoted yet. Only the first key of a secret that was not there seals at
 * once.
 *
 * @throws Configuration, Validation: an option · KeyProviderError: the service, or KeyDisabled: the key is there and disabled
 * @example
 * const { keyId } = await createKey({ prefix: 'orders' }, { keyId: 'orders-2026-11' })
 */
export async function createKey(
  store: SecretsManagerKeyOptions,
  options: CreateKeyOptions = {},
): Promise<{ readonly keyId: string }> {
  return withRotation(store, ({ create }) => create(options))
}

/**
 * Makes a key the one that seals. Called again it changes nothing; of two keys that are promoted at once one is current, and
 * both open.
 *
 * @throws KeyNotFound, KeyDisabled, InvalidKeyLength, KeyExpired, KeyNotYetValid: the key · KeyProviderError: the service
 * @example
 * const { previousKeyId } = await promoteKey({ prefix: 'orders' }, { keyId: 'orders-2026-11' })
 */
export async function promoteKey(store: SecretsManagerKeyOptions, options: PromoteKeyOptions): Promise<PromotedKey> {
  return withRotation(store, ({ promote }) => promote(options))
}

/**
 * Has a key that was replaced seal nothing from `graceMs` on, even if it is stolen, and says when nothing needs it any more. It
 * removes nothing. Called again it changes nothing.
 *
 * @throws Validation: the key is the current one · KeyNotFound, KeyDisabled, InvalidKeyLength: the key · KeyProviderError: the
 * service
 * @example
 * const { removableAt } = await retireKey({ prefix: 'orders' }, { keyId: 'orders-2026-08', messageLifeMs: 14 * 86_400_000 })
 */
export async function retireKey(store: SecretsManagerKeyOptions, options: RetireKeyOptions): Promise<RetiredKey> {
  return withRotation(store, ({ retire }) => retire(options))
}
