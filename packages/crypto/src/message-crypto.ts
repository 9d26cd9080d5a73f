import { type MessageProtection, misconfigured, type QueueProtection } from '@queue-runtime/core/provider'
import { aesGcmCryptoProvider } from './crypto-provider.ts'
import { createOpening } from './opening.ts'
import { checkCryptoOptions, type MessageCryptoOptions } from './options.ts'
import { createReplayGuard } from './replay-guard.ts'
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
export function messageCrypto(options: MessageCryptoOptions): MessageProtection {
  checkCryptoOptions(options)
  const { enabled, keyProvider, nonceStore, onReplay } = options
  return {
    open(context) {
      warnOfWeakOptions(options, context)
      const telemetry = cryptoTelemetry(context)
      const { clock } = context
      const { clockSkewToleranceMs } = options
      const keys = keyProvider && {
        keyProvider,
        cryptoProvider: options.cryptoProvider ?? aesGcmCryptoProvider(keyProvider, { clock, clockSkewToleranceMs }),
      }
      const protect = (): QueueProtection['protect'] => {
        if (enabled === undefined) return refuseToSend
        if (!enabled) return sendInClear(telemetry)
        if (keys === undefined) throw misconfigured('keyProvider', 'is required where enabled is true.')
        return createSealing(options, keys, context, telemetry)
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
