import type { EncryptionKey } from '@queue-runtime/crypto'
import {
  type CallOptions,
  type Clock,
  checkOptions,
  invalid,
  isQueueError,
  misconfigured,
  type Options,
  option,
  QueueError,
} from '@queue-runtime/crypto/provider'
import { unavailable } from './errors.ts'
import type { Layout } from './layout.ts'
import { type SecretsManagerKeyOptions, type SecretsManagerSettings, secretsManagerSettings } from './options.ts'
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

/** `keyId`: the key that is to seal. */
export interface PromoteKeyOptions extends CallOptions {
  readonly keyId: string
}

/** `previousKeyId`: what sealed before; undefined where nothing did, or where the key was current already. */
export interface PromotedKey {
  readonly keyId: string
  readonly previousKeyId: string | undefined
}

/**
 * - `keyId`: a key that does not seal any more
 * - `messageLifeMs`: how long a sealed message may wait to be opened, in milliseconds: retention, dead letters and schedules
 * - `graceMs`: how long a sender may not know of the new key, in milliseconds. Default 7 200 000: in an outage of the service
 *   `cachedKeyProvider` serves what it knows for one hour
 */
export interface RetireKeyOptions extends CallOptions, Options<{ graceMs: number }> {
  readonly keyId: string
  readonly messageLifeMs: number
}

/** From `expiresAt` on the key seals nothing; after `removableAt` nothing needs it any more. */
export interface RetiredKey {
  readonly keyId: string
  readonly expiresAt: Date
  readonly removableAt: Date
}

const POLL_MS = 1_000

const keyId = option.text(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/, 'a key id')

/** A client that was made here is closed here. */
const withLayout = async <T>(
  store: SecretsManagerKeyOptions,
  use: (layout: Layout, settings: SecretsManagerSettings) => Promise<T>,
): Promise<T> => {
  const settings = secretsManagerSettings(store)
  try {
    return await use(layoutOf(settings), settings)
  } finally {
    if (settings.isOwnClient) settings.client.destroy()
  }
}

const isReadable = async (layout: Layout, id: string, signal?: AbortSignal): Promise<boolean> => {
  const key = await layout.getKey(id, signal).catch((error: unknown) => {
    // A version that was just enabled may be served as it was before.
    if (isQueueError(error, 'KeyDisabled')) return null
    throw error
  })
  key?.dispose()
  return key !== null && (await layout.validKeyIds(signal)).includes(id)
}

const untilReadable = async (layout: Layout, clock: Clock, id: string, waitMs: number, signal?: AbortSignal) => {
  const end = clock.now() + waitMs
  while (!(await isReadable(layout, id, signal))) {
    if (clock.now() >= end) throw unavailable(`The key ${id} could not be read within ${waitMs} ms.`, 'create-key')
    await clock.sleep(POLL_MS, signal)
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
  return withLayout(store, async (layout, { place, clock }) => {
    const dates = { notBefore: option.date, expiresAt: option.date }
    const checks = { keyId, ...dates, waitMs: option.wholeNumber(0), signal: option.signal }
    checkOptions(options, checks, 'prefix' in place ? ['keyId'] : [])
    const { notBefore, expiresAt, waitMs = 360_000, signal } = options
    if (notBefore && expiresAt && expiresAt <= notBefore) throw misconfigured('expiresAt', 'must be after notBefore.')
    const id = await layout.create(options.keyId, { notBefore, expiresAt }, signal)
    await untilReadable(layout, clock, id, waitMs, signal)
    return { keyId: id }
  })
}

const read = async (layout: Layout, id: string, signal?: AbortSignal): Promise<EncryptionKey> => {
  const key = await layout.getKey(id, signal)
  if (key === null) throw new QueueError('KeyNotFound', `There is no key ${id}.`, { facts: { keyId: id } })
  key.dispose()
  return key
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
  checkOptions(options, { keyId, signal: option.signal }, ['keyId'])
  const { keyId: id, signal } = options
  return withLayout(store, async (layout, { clock }) => {
    const { notBefore, expiresAt } = await read(layout, id, signal)
    const now = clock.now()
    if (expiresAt && expiresAt.getTime() <= now) throw new QueueError('KeyExpired', `The key ${id} has expired.`)
    if (notBefore && notBefore.getTime() > now) {
      throw new QueueError('KeyNotYetValid', `The key ${id} is not valid yet.`)
    }
    const before = await layout.currentKeyId(signal)
    await layout.promote(id, signal)
    return { keyId: id, previousKeyId: before === null || before === id ? undefined : before }
  })
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
  const duration = option.wholeNumber(0)
  const checks = { keyId, messageLifeMs: duration, graceMs: duration, signal: option.signal }
  checkOptions(options, checks, ['keyId', 'messageLifeMs'])
  const { keyId: id, messageLifeMs, graceMs = 7_200_000, signal } = options
  return withLayout(store, async (layout, { clock }) => {
    await read(layout, id, signal)
    if ((await layout.currentKeyId(signal)) === id) {
      throw invalid('keyId', 'invalid-format', 'names the current key; promote another one first.')
    }
    const at = new Date(Math.ceil((clock.now() + graceMs) / 1_000) * 1_000)
    const expiresAt = await layout.expire(id, at, signal)
    return { keyId: id, expiresAt, removableAt: new Date(expiresAt.getTime() + messageLifeMs) }
  })
}
