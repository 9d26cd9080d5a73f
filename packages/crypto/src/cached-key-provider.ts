import { type Clock, type Closable, isQueueError, type Logger, type Options, QueueError } from '@queue-runtime/core'
import {
  abortable,
  checkOptions,
  errorClass,
  hasMethods,
  misconfigured,
  option,
  resolveLogger,
  systemClock,
} from '@queue-runtime/core/provider'
import { type EncryptionKey, keyObjectOf } from './encryption-key.ts'
import { createKeyAllowList } from './key-allow-list.ts'
import { isKeyId } from './key-id.ts'
import type { KeyProvider } from './key-provider.ts'
import { createLruMap } from './lru-map.ts'
import { createRefreshedValue } from './refreshed-value.ts'

/**
 * Times in milliseconds; the defaults are those of protocol.md 6.
 *
 * - `ttlMs`: how long a key is served without asking. Default 300 000
 * - `refreshAheadMs`: how long before that it is fetched anew in the background. Default a fifth of `ttlMs`
 * - `maxStaleMs`: while the store is down a key is served up to this age. Default 3 600 000
 * - `currentKeyTtlMs`, `listTtlMs`: the same for the current id and for the list of ids. Default 60 000
 * - `listIntervalMs`: an unknown id makes the list load anew at most this often. Default 5 000
 * - `negativeTtlMs`, `maxNegative`: how long, and of how many ids, it is remembered that there is no such key. Default 30 000, 1 000
 * - `lookupsPerSecond`: bound on lookups of uncached ids where the source cannot list. Default 10
 * - `maxKeys`: more keys than this are not kept. Default 1 000
 * - `keyIds`: the list, where the source may not list
 * - `logger`: told of a store that is down and of a key that changed. Default warnings and errors on the console; `false` silences
 */
export interface CachedKeyProviderOptions
  extends Options<{
    ttlMs: number
    refreshAheadMs: number
    maxStaleMs: number
    currentKeyTtlMs: number
    listTtlMs: number
    listIntervalMs: number
    negativeTtlMs: number
    maxNegative: number
    lookupsPerSecond: number
    maxKeys: number
    keyIds: readonly string[]
    logger: Logger | false
    clock: Clock
  }> {}

/** A key provider that asks its source seldom, and outlives an outage of it. */
export interface CachedKeyProvider extends KeyProvider, Closable {
  /**
   * Takes a key out of use at once and for good: a fetch that is under way does not bring it back. From then on `getKey` throws
   * KeyDisabled for it, so that its messages are dead-lettered.
   */
  revoke(keyId: string): void
}

const MINUTE_MS = 60_000

/** A store that is down is asked for one key, or for the current id, once a second. */
const RETRY_AFTER_MS = 1_000

/** These say something of one key. All else that a source throws is an outage, in which what is known stays good for a while. */
const VERDICTS = ['KeyNotFound', 'KeyDisabled', 'InvalidKeyLength'] as const

const isVerdict = (error: unknown): error is QueueError => VERDICTS.some((code) => isQueueError(error, code))

const checkCacheOptions = (source: KeyProvider, options: CachedKeyProviderOptions): void => {
  if (!hasMethods(source, 'getKey', 'currentKeyId')) throw misconfigured('source', 'must be a key provider.')
  const duration = option.wholeNumber(1)
  checkOptions(options, {
    ttlMs: duration,
    refreshAheadMs: option.wholeNumber(0),
    maxStaleMs: duration,
    currentKeyTtlMs: duration,
    listTtlMs: duration,
    listIntervalMs: duration,
    negativeTtlMs: option.wholeNumber(0),
    maxNegative: duration,
    lookupsPerSecond: duration,
    maxKeys: duration,
    keyIds: option.that('a list of key ids', (value) => Array.isArray(value) && value.every(isKeyId)),
    logger: option.logger,
    clock: option.object('a Clock', 'now', 'sleep'),
  })
  const { ttlMs = 5 * MINUTE_MS, refreshAheadMs = 0, maxStaleMs = 60 * MINUTE_MS } = options
  if (refreshAheadMs >= ttlMs) throw misconfigured('refreshAheadMs', 'must be less than ttlMs.')
  if (maxStaleMs < ttlMs) throw misconfigured('maxStaleMs', 'must not be less than ttlMs.')
}

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
  checkCacheOptions(source, options)
  const { clock = systemClock, ttlMs = 5 * MINUTE_MS, maxStaleMs = 60 * MINUTE_MS, maxKeys = 1_000 } = options
  const { refreshAheadMs = ttlMs / 5, currentKeyTtlMs = MINUTE_MS, listTtlMs = MINUTE_MS } = options
  const { negativeTtlMs = MINUTE_MS / 2, maxNegative = 1_000, listIntervalMs = 5_000, lookupsPerSecond = 10 } = options
  const logger = resolveLogger(options.logger)
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
    ...{ source, keyIds: options.keyIds, listIntervalMs, lookupsPerSecond, ttlMs: listTtlMs, refreshAheadMs: 0 },
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
