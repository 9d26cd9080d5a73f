import { type MessageProtection, misconfigured, type QueueProtection } from '@queue-runtime/core/provider'
import { aesGcmCryptoProvider } from './crypto-provider.ts'
import { observedKeyProvider } from './observed-key-provider.ts'
import { createOpening } from './opening.ts'
import { checkCryptoOptions, type MessageCryptoOptions } from './options.ts'
import { createReplayGuard } from './replay-guard.ts'
import { createSealLedger, DEFAULT_MAX_SEALS_PER_KEY } from './seal-ledger.ts'
import { createSealing, refuseToSend, sendInClear } from './sealing.ts'
import { cryptoTelemetry } from './telemetry.ts'
import { createUnprotecting } from './unprotecting.ts'
import { warnOfWeakOptions } from './warnings.ts'

/**
 * Returns the protection that `createQueueClient({ crypto })` takes. It may serve any number of queues.
 *
 * @throws Configuration: an option is missing, unknown or wrong; it is named
 * @example
 * const crypto = messageCrypto({ enabled: true, keyProvider, plaintextPolicy: 'reject' })
 * const client = createQueueClient({ provider, queue: 'orders', crypto })
 */
export function messageCrypto(given: MessageCryptoOptions): MessageProtection {
  checkCryptoOptions(given)
  // A copy: what was checked is what is used, whatever becomes of the caller's object.
  const options: MessageCryptoOptions = { ...given }
  const { enabled, keyProvider, nonceStore, onReplay, audience } = options
  const { maxSealsPerKey = DEFAULT_MAX_SEALS_PER_KEY } = options
  const ledger = createSealLedger({ maxSealsPerKey, hasAudience: Boolean(audience) })
  return {
    open(context) {
      warnOfWeakOptions(options, context)
      const telemetry = cryptoTelemetry(context)
      const { clock } = context
      const { clockSkewToleranceMs } = options
      const keys = keyProvider && {
        keyProvider,
        cryptoProvider:
          options.cryptoProvider ??
          aesGcmCryptoProvider(observedKeyProvider(keyProvider, telemetry.seen), { clock, clockSkewToleranceMs }),
      }
      const protect = (): QueueProtection['protect'] => {
        if (enabled === undefined) return refuseToSend
        if (!enabled) return sendInClear(telemetry)
        if (keys === undefined) throw misconfigured('keyProvider', 'is required where enabled is true.')
        return createSealing(options, { ...keys, ledger }, context, telemetry)
      }
      return {
        protect: protect(),
        unprotect: createUnprotecting({
          open: createOpening(options, keys?.cryptoProvider, context, telemetry),
          guard: nonceStore && createReplayGuard(nonceStore, options, context),
          ...{ onReplay, context, telemetry },
        }),
      }
    },
  }
}
