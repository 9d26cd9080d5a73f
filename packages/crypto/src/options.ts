import type { Options } from '@queue-runtime/core'
import { checkOptions, isAttributeName, isReservedAttribute, misconfigured, option } from '@queue-runtime/core/provider'
import { type CryptoProvider, DEFAULT_CLOCK_SKEW_TOLERANCE_MS } from './crypto-provider.ts'
import { DEFAULT_MAX_MESSAGE_AGE_MS } from './freshness.ts'
import type { KeyProvider } from './key-provider.ts'
import type { NonceStore } from './nonce-store.ts'
import { DEFAULT_NONCE_CACHE_TTL_MS } from './replay-times.ts'
import { DEFAULT_MAX_SEALS_PER_KEY } from './seal-ledger.ts'

/**
 * - `enabled`: true seals what is sent, false sends plaintext with a warning per message; left out: a receive-only client,
 *   whose `send()` rejects with Configuration. Opening needs a `keyProvider` only
 * - `keyProvider`: where keys come from; required where `enabled` is true
 * - `plaintextPolicy`: what becomes of messages without a seal: `allow` (default, with a warning), `allow-with-alert` (with an
 *   error line and an error count) or `reject`. Only `reject` protects integrity: under the others, whoever can write to the
 *   queue can have plaintext handed over
 * - `plaintextAllowedUntil`: from then on the policy is `reject`
 * - `validateFreshness`: refuse what is older than `maxMessageAgeMs` or from the future. Default true
 * - `maxMessageAgeMs`: default 300 000 (5 minutes)
 * - `clockSkewToleranceMs`: how far clocks may be apart. Default 60 000
 * - `nonceStore`: remembers what was handled, so that a copy of a message is not handed over again. Default none: a copy within
 *   `maxMessageAgeMs` is
 * - `nonceScope`: the consumers that share what the store remembers, `[A-Za-z0-9_-]{1,128}`; they need the same times. Default
 *   the logical queue
 * - `nonceCacheTtlMs`: how long the store remembers at least; not less than `maxMessageAgeMs` and twice `clockSkewToleranceMs`.
 *   Default 600 000
 * - `onReplay`: what becomes of a message that was handled before: `complete` (default; it is normal after a lost
 *   acknowledgement) or `dead-letter`, where whoever can write to the store might suppress messages
 * - `audience`: a logical name that sender and receiver share; a message sealed for another one is refused
 * - `authenticatedAttributes`: names of attributes that the tag covers too, where a message has them
 * - `padding`: `padme` hides exact lengths at a cost of at most 12 %. Default `none`
 * - `maxSealsPerKey`: after so many, counted in this process alone, a key seals no more. At most and by default 2^32
 * - `maxCiphertextBytes`: longer envelopes are refused unread, and longer bodies are not sealed. Default 64 MiB
 * - `cryptoProvider`: another implementation of the cipher. Default `aesGcmCryptoProvider(keyProvider)`
 */
export interface MessageCryptoOptions
  extends Options<{
    enabled: boolean
    keyProvider: KeyProvider
    plaintextPolicy: 'allow' | 'allow-with-alert' | 'reject'
    plaintextAllowedUntil: Date
    validateFreshness: boolean
    maxMessageAgeMs: number
    clockSkewToleranceMs: number
    nonceStore: NonceStore
    nonceScope: string
    nonceCacheTtlMs: number
    onReplay: 'complete' | 'dead-letter'
    audience: string
    authenticatedAttributes: readonly string[]
    padding: 'none' | 'padme'
    maxSealsPerKey: number
    maxCiphertextBytes: number
    cryptoProvider: CryptoProvider
  }> {}

const isNameList = (value: unknown): boolean =>
  Array.isArray(value) &&
  new Set(value).size === value.length &&
  value.every((name) => typeof name === 'string' && isAttributeName(name) && !isReservedAttribute(name))

const isAudience = (value: unknown): boolean => typeof value === 'string' && value.length <= 256 && value.isWellFormed()

/** What was handled must be remembered for as long as any clock may take a copy of it for fresh (protocol.md 5). */
const checkRetention = (options: MessageCryptoOptions): void => {
  const { nonceStore, nonceCacheTtlMs = DEFAULT_NONCE_CACHE_TTL_MS } = options
  const { maxMessageAgeMs = DEFAULT_MAX_MESSAGE_AGE_MS } = options
  const { clockSkewToleranceMs = DEFAULT_CLOCK_SKEW_TOLERANCE_MS } = options
  const least = maxMessageAgeMs + 2 * clockSkewToleranceMs
  if (nonceStore === undefined || nonceCacheTtlMs >= least) return
  throw misconfigured(
    'nonceCacheTtlMs',
    `must be at least maxMessageAgeMs + 2 * clockSkewToleranceMs, that is ${least}.`,
  )
}

/**
 * @throws Configuration with the name of the option
 */
export function checkCryptoOptions(options: MessageCryptoOptions): void {
  checkOptions(options, {
    enabled: option.boolean,
    keyProvider: option.object('a key provider, such as multiKeyProvider()', 'getKey', 'currentKeyId'),
    plaintextPolicy: option.oneOf('allow', 'allow-with-alert', 'reject'),
    plaintextAllowedUntil: option.date,
    validateFreshness: option.boolean,
    maxMessageAgeMs: option.wholeNumber(1),
    clockSkewToleranceMs: option.wholeNumber(0),
    nonceStore: option.object('a nonce store, such as memoryNonceStore()', 'claim', 'renew', 'confirm', 'release'),
    nonceScope: option.text(/^[A-Za-z0-9_-]{1,128}$/, '1 to 128 characters of A-Z, a-z, 0-9, _ and -'),
    nonceCacheTtlMs: option.wholeNumber(1),
    onReplay: option.oneOf('complete', 'dead-letter'),
    audience: option.that('well-formed text of at most 256 characters', isAudience),
    authenticatedAttributes: option.that('a list of distinct attribute names that are not reserved', isNameList),
    padding: option.oneOf('none', 'padme'),
    maxSealsPerKey: option.wholeNumber(1, DEFAULT_MAX_SEALS_PER_KEY),
    maxCiphertextBytes: option.wholeNumber(0, 0xffff_ffff),
    cryptoProvider: option.object('a CryptoProvider', 'encrypt', 'decrypt'),
  })
  checkRetention(options)
  if (options.keyProvider !== undefined) return
  if (options.enabled) throw misconfigured('keyProvider', 'is required where enabled is true.')
  if (options.cryptoProvider !== undefined) throw misconfigured('keyProvider', 'is required beside cryptoProvider.')
}
