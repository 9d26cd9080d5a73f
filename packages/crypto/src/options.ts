import type { Options } from '@queue-runtime/core'
import { checkOptions, isAttributeName, isReservedAttribute, misconfigured, option } from '@queue-runtime/core/provider'
import type { CryptoProvider } from './crypto-provider.ts'
import type { KeyProvider } from './key-provider.ts'

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
 * - `audience`: a logical name that sender and receiver share; a message sealed for another one is refused
 * - `authenticatedAttributes`: names of attributes that the tag covers too, where a message has them
 * - `padding`: `padme` hides exact lengths at a cost of at most 12 %. Default `none`
 * - `maxCiphertextBytes`: longer envelopes are refused unread. Default 64 MiB
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
    audience: string
    authenticatedAttributes: readonly string[]
    padding: 'none' | 'padme'
    maxCiphertextBytes: number
    cryptoProvider: CryptoProvider
  }> {}

const isNameList = (value: unknown): boolean =>
  Array.isArray(value) &&
  new Set(value).size === value.length &&
  value.every((name) => typeof name === 'string' && isAttributeName(name) && !isReservedAttribute(name))

const isAudience = (value: unknown): boolean => typeof value === 'string' && value.length <= 256 && value.isWellFormed()

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
    audience: option.that('well-formed text of at most 256 characters', isAudience),
    authenticatedAttributes: option.that('a list of distinct attribute names that are not reserved', isNameList),
    padding: option.oneOf('none', 'padme'),
    maxCiphertextBytes: option.wholeNumber(0, 0xffff_ffff),
    cryptoProvider: option.object('a CryptoProvider', 'encrypt', 'decrypt'),
  })
  if (options.keyProvider !== undefined) return
  if (options.enabled) throw misconfigured('keyProvider', 'is required where enabled is true.')
  if (options.cryptoProvider !== undefined) throw misconfigured('keyProvider', 'is required beside cryptoProvider.')
}
