import { type Closable, isQueueError, QueueError } from '@queue-runtime/core'
import { abortable, errorClass } from '@queue-runtime/core/provider'
import { type CachedKeyProviderOptions, cacheSettings } from './cached-key-options.ts'
import { type EncryptionKey, keyObjectOf } from './encryption-key.ts'
import { createKeyAllowList } from './key-allow-list.ts'
import { isKeyId } from './key-id.ts'
import type { KeyProvider } from './key-provider.ts'
import { createLruMap } from './lru-map.ts'
import { createRefreshedValue } from './refreshed-value.ts'

/** A key provider that asks its source seldom, and outlives an outage of it. */
export interface CachedKeyProvider extends KeyProvider, Closable {
  /**
   * Takes a key out of use at once and for good: a fetch that is under way does not bring it back. From then on `getKey` throws
   * KeyDisabled for it, so that its messages are dead-lettered.
   */
  revoke(keyId: string): void
}

/** A store that is down is asked for one key, or for the current id, once a second. */
const RETRY_AFTER_MS = 1_000

/** These say something of one key. All else that a source throws is an outage, in which what is known stays good for a while. */
const VERDICTS = ['KeyNotFound', 'KeyDisabled', 'InvalidKeyLength'] as const

const isVerdict = (error: unknown): error is QueueError => VERDICTS.some((code) => isQueueError(error, code))

/**
 * Returns a cache over a key provider (protocol.md 6). It owns the keys that the source returns, and disposes those that it
 * drops: the source must make one per call, as those of key stores do.
 *
 * - one call to the source for all who ask for a key at the same time
 * - ids are looked up only where the list has them; without a list, at a bounded rate
 * - an outage of the source is bridged with the keys that are known, up to `maxStaleMs`
 * - the same id with other bytes is refused: the old key is kept, with a line of level error
 *
 * @throws Configuration naming the option
 * @example
 * const keyProvider = cachedKeyProvider(keyVaultKeyProvider({ vaultUrl, credential }))
 */
export function cachedKeyProvider(source: KeyProvider, options: CachedKeyProviderOptions = {}): CachedKeyProvider {
  const settings = cacheSettings(source, options)
  const { clock, logger, ttlMs, refreshAheadMs, maxStaleMs, currentKeyTtlMs, listTtlMs } = settings
  const { negativeTtlMs, maxNegative, maxKeys, keyIds, listIntervalMs, lookupsPerSecond } = settings
  const closing = new AbortController()
  const { signal } = closing
  const revoked = new Set<string>()
  const refusals = createLruMap<{ readonly error: unknown; readonly until: number }>(maxNegative)
  const cached = createLruMap<CachedKey>(maxKeys, (entry) => entry.drop())

  const shared = {
    clock,
    maxStaleMs,
    retryAfterMs: RETRY_AFTER_MS,
    isOutage: (error: unknown) => !isVerdict(error),
    onStale: (error: unknown) =>
      logger.warn(
        { operation: 'get-key', error_type: errorClass(error) },
        'The key store fails; a cached answer is served',
      ),
  }
  const allowList = createKeyAllowList({
    ...shared,
    ...{ source, keyIds, listIntervalMs, lookupsPerSecond, ttlMs: listTtlMs, refreshAheadMs: 0 },
    retryAfterMs: listIntervalMs,
  })
  const currentKeyId = createRefreshedValue({
    ...shared,
    ...{ ttlMs: currentKeyTtlMs, refreshAheadMs: 0, load: async () => source.currentKeyId({ signal }) },
  })

  const refusal = (keyId: string): QueueError<'KeyDisabled'> =>
    new QueueError('KeyDisabled', `The key ${keyId} was revoked.`)

  const fetchKey = async (keyId: string, previous: EncryptionKey | undefined): Promise<EncryptionKey> => {
    const key = await source.getKey(keyId, { signal })
    if (!key) throw new QueueError('KeyNotFound', `There is no key ${keyId}.`, { facts: { keyId } })
    if (revoked.has(keyId) || signal.aborted) {
      key.dispose()
      throw signal.aborted ? signal.reason : refusal(keyId)
    }
    if (previous === undefined || keyObjectOf(previous).equals(keyObjectOf(key))) return key
    key.dispose()
    logger.error(
      { operation: 'get-key', key_id: keyId, error_type: 'KeyMaterialChanged' },
      'The store has other bytes under a known key id; the known key is kept',
    )
    return previous
  }

  const openEntry = (keyId: string): CachedKey => {
    let held: EncryptionKey | undefined
    const { get } = createRefreshedValue({
      ...shared,
      ...{ ttlMs, refreshAheadMs },
      load: async (previous: EncryptionKey | undefined) => {
        held = await fetchKey(keyId, previous)
        return held
      },
    })
    const entry: CachedKey = {
      get isLoaded() {
        return held !== undefined
      },
      get,
      drop: () => held?.dispose(),
    }
    cached.set(keyId, entry)
    return entry
  }

  const isAdmitted = async (keyId: string, isCached: boolean): Promise<boolean> =>
    allowList.ids === undefined && isCached ? true : allowList.admits(keyId)

  const find = async (keyId: string): Promise<EncryptionKey> => {
    const known = refusals.get(keyId)
    if (known !== undefined && clock.now() < known.until) throw known.error
    if (!(await isAdmitted(keyId, cached.get(keyId) !== undefined))) {
      cached.delete(keyId)
      throw new QueueError('KeyNotFound', `The key ${keyId} is not admitted.`, { facts: { keyId } })
    }
    if (revoked.has(keyId)) throw refusal(keyId)
    const entry = cached.get(keyId) ?? openEntry(keyId)
    try {
      return await entry.get()
    } catch (error) {
      // What was never loaded must not take the place of keys that were.
      if (isVerdict(error) || !entry.isLoaded) cached.delete(keyId)
      const rememberMs = isVerdict(error) ? negativeTtlMs : RETRY_AFTER_MS
      refusals.set(keyId, { error, until: clock.now() + rememberMs })
      throw error
    }
  }

  const close = async (): Promise<void> => {
    closing.abort(new QueueError('KeyProviderError', 'The key cache is closed.'))
    cached.clear()
  }
  const { ids } = allowList

  return {
    async getKey(keyId, call = {}) {
      signal.throwIfAborted()
      if (!isKeyId(keyId)) return null
      if (revoked.has(keyId)) throw refusal(keyId)
      try {
        return await abortable(find(keyId), call.signal ?? signal)
      } catch (error) {
        if (isQueueError(error, 'KeyNotFound')) return null
        throw error
      }
    },
    async currentKeyId(call = {}) {
      signal.throwIfAborted()
      return abortable(currentKeyId.get(), call.signal ?? signal)
    },
    ...(ids === undefined ? {} : { validKeyIds: async (call = {}) => abortable(ids(), call.signal ?? signal) }),
    revoke(keyId) {
      revoked.add(keyId)
      cached.delete(keyId)
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** One key under its id, for as long as it is kept. */
interface CachedKey {
  readonly isLoaded: boolean
  get(): Promise<EncryptionKey>
  /** Disposes the key. */
  drop(): void
}
