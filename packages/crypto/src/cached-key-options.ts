import type { Clock, Logger, Options } from '@queue-runtime/core'
import {
  checkOptions,
  hasMethods,
  misconfigured,
  option,
  resolveLogger,
  systemClock,
} from '@queue-runtime/core/provider'
import { isKeyId } from './key-id.ts'
import type { KeyProvider } from './key-provider.ts'

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

/** The options with every default filled in. */
export interface CacheSettings {
  readonly ttlMs: number
  readonly refreshAheadMs: number
  readonly maxStaleMs: number
  readonly currentKeyTtlMs: number
  readonly listTtlMs: number
  readonly listIntervalMs: number
  readonly negativeTtlMs: number
  readonly maxNegative: number
  readonly lookupsPerSecond: number
  readonly maxKeys: number
  readonly keyIds: readonly string[] | undefined
  readonly logger: Logger
  readonly clock: Clock
}

const MINUTE_MS = 60_000

/** @throws Configuration with the name of the option */
export function cacheSettings(source: KeyProvider, options: CachedKeyProviderOptions): CacheSettings {
  if (!hasMethods(source, 'getKey', 'currentKeyId')) throw misconfigured('source', 'must be a key provider.')
  const atLeastOne = option.wholeNumber(1)
  checkOptions(options, {
    ttlMs: atLeastOne,
    refreshAheadMs: option.wholeNumber(0),
    maxStaleMs: atLeastOne,
    currentKeyTtlMs: atLeastOne,
    listTtlMs: atLeastOne,
    listIntervalMs: atLeastOne,
    negativeTtlMs: option.wholeNumber(0),
    maxNegative: atLeastOne,
    lookupsPerSecond: atLeastOne,
    maxKeys: atLeastOne,
    keyIds: option.that('a list of key ids', (value) => Array.isArray(value) && value.every(isKeyId)),
    logger: option.logger,
    clock: option.object('a Clock', 'now', 'sleep'),
  })
  const { ttlMs = 5 * MINUTE_MS, maxStaleMs = 60 * MINUTE_MS } = options
  const { refreshAheadMs = ttlMs / 5 } = options
  if (refreshAheadMs >= ttlMs) throw misconfigured('refreshAheadMs', 'must be less than ttlMs.')
  if (maxStaleMs < ttlMs) throw misconfigured('maxStaleMs', 'must not be less than ttlMs.')
  return {
    ttlMs,
    refreshAheadMs,
    maxStaleMs,
    currentKeyTtlMs: options.currentKeyTtlMs ?? MINUTE_MS,
    listTtlMs: options.listTtlMs ?? MINUTE_MS,
    listIntervalMs: options.listIntervalMs ?? 5_000,
    negativeTtlMs: options.negativeTtlMs ?? MINUTE_MS / 2,
    maxNegative: options.maxNegative ?? 1_000,
    lookupsPerSecond: options.lookupsPerSecond ?? 10,
    maxKeys: options.maxKeys ?? 1_000,
    keyIds: options.keyIds,
    logger: resolveLogger(options.logger),
    clock: options.clock ?? systemClock,
  }
}
