import { randomBytes } from 'node:crypto'
import { type CallOptions, type Clock, isQueueError, type Options, QueueError } from '@queue-runtime/core'
import { checkOptions, errorClass, invalid, option, systemClock } from '@queue-runtime/core/provider'
import { open, seal } from './aes-gcm.ts'
import { keyObjectOf } from './encryption-key.ts'
import { type EncryptedMessage, LAYOUT } from './envelope.ts'
import { type KeyProvider, withKey } from './key-provider.ts'
import { assertMayOpen, assertMaySeal } from './key-window.ts'

/**
 * - `encryptedAt`: the time that is sealed in. Default now; the due time of a scheduled message
 * - `padding`: `padme` hides the exact length. Default `none`
 */
export interface EncryptOptions extends CallOptions, Options<{ encryptedAt: Date; padding: 'none' | 'padme' }> {}

/**
 * Seals and opens under a key id. Another implementation (an HSM, a faster AEAD) writes the same bytes: the version byte fixes
 * them. It looks the key up, runs the cipher over header ‖ associatedData, and keeps to the validity window of the key.
 */
export interface CryptoProvider {
  /**
   * Seals under the key of that id, with a nonce of its own.
   *
   * @throws KeyNotFound · KeyExpired · KeyNotYetValid · KeyDisabled · KeyDisposed · EncryptionFailed · KeyProviderError
   */
  encrypt(
    keyId: string,
    plaintext: Uint8Array,
    associatedData: Uint8Array,
    options?: EncryptOptions,
  ): Promise<EncryptedMessage>
  /**
   * Opens with the key that the envelope names; resolves with nothing that the tag did not prove. How old it is, is not looked at.
   *
   * @throws AuthenticationFailed · KeyNotFound · KeyExpired · KeyNotYetValid · KeyDisabled · KeyDisposed · KeyProviderError
   */
  decrypt(encrypted: EncryptedMessage, associatedData: Uint8Array, options?: CallOptions): Promise<Uint8Array>
}

/** 60 s, how far clocks may be apart (protocol.md 4.1). */
export const DEFAULT_CLOCK_SKEW_TOLERANCE_MS = 60_000

/**
 * Returns the default provider: AES-256-GCM of node:crypto, a random nonce of 96 bits per message.
 *
 * @throws Configuration naming the option
 * @example
 * const provider = aesGcmCryptoProvider(keyProvider)
 * const sealed = await provider.encrypt('orders-2026-11', plaintext, associatedData)
 * const opened = await provider.decrypt(sealed, associatedData)
 */
export function aesGcmCryptoProvider(
  keyProvider: KeyProvider,
  options: Options<{ clock: Clock; clockSkewToleranceMs: number }> = {},
): CryptoProvider {
  checkOptions(options, {
    clock: option.object('a Clock', 'now', 'sleep'),
    clockSkewToleranceMs: option.wholeNumber(0),
  })
  const { clock = systemClock, clockSkewToleranceMs = DEFAULT_CLOCK_SKEW_TOLERANCE_MS } = options
  return {
    encrypt: (keyId, plaintext, associatedData, options = {}) =>
      withKey(keyProvider, keyId, options, (key) => {
        const { encryptedAt, padding = 'none' } = options
        checkBytes('plaintext', plaintext)
        checkBytes('associatedData', associatedData)
        if (padding !== 'none' && padding !== 'padme')
          throw invalid('padding', 'invalid-format', 'must be none or padme.')
        const now = clock.now()
        const sealedAt = encryptedAt ?? new Date(now)
        assertMaySeal(key, { now, encryptedAt: sealedAt, clockSkewToleranceMs })
        // A pool of random bytes that a machine snapshot duplicates would repeat nonces, so each is drawn on its own.
        const nonce = randomBytes(LAYOUT.nonceLength)
        const header = { keyId, encryptedAt: sealedAt, nonce, isPadded: padding === 'padme' }
        const keyObject = keyObjectOf(key)
        try {
          return seal(keyObject, header, plaintext, associatedData)
        } catch (error) {
          // OpenSSL's errors are dropped: they may quote what they were given.
          if (isQueueError(error)) throw error
          throw new QueueError('EncryptionFailed', `The message could not be sealed (${errorClass(error)}).`)
        }
      }),
    decrypt: (encrypted, associatedData, options = {}) =>
      withKey(keyProvider, encrypted.keyId, options, (key) => {
        const plaintext = open(keyObjectOf(key), encrypted, associatedData)
        try {
          assertMayOpen(key, { now: clock.now(), encryptedAt: encrypted.encryptedAt, clockSkewToleranceMs })
        } catch (error) {
          plaintext.fill(0)
          throw error
        }
        return plaintext
      }),
  }
}

/** Elements of another width would seal to something that no receiver opens. */
const checkBytes = (field: string, value: Uint8Array): void => {
  if (!(value instanceof Uint8Array)) throw invalid(field, 'invalid-format', 'must be a Uint8Array.')
}
