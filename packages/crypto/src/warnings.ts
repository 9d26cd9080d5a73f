import type { QueueContext } from '@queue-runtime/core/provider'
import { DEFAULT_MAX_MESSAGE_AGE_MS } from './freshness.ts'
import type { MessageCryptoOptions } from './options.ts'

/** Says once per queue which allowed combinations are weaker than they look (protocol.md 4.1, 5, 7). */
export function warnOfWeakOptions(options: MessageCryptoOptions, context: QueueContext): void {
  const { queue, lockMs, maxDeliveries, logger } = context
  const { enabled, plaintextPolicy = 'allow', validateFreshness = true, nonceStore } = options
  const { maxMessageAgeMs = DEFAULT_MAX_MESSAGE_AGE_MS } = options
  const warn = (text: string): void => logger.warn({ queue_name: queue, operation: 'open' }, text)

  if (enabled && plaintextPolicy !== 'reject') {
    warn(`plaintextPolicy is ${plaintextPolicy}: whoever can write to the queue can have plaintext handed over`)
  }
  if (
    validateFreshness &&
    lockMs !== undefined &&
    maxDeliveries !== undefined &&
    maxMessageAgeMs < maxDeliveries * lockMs
  ) {
    warn('maxMessageAgeMs is shorter than maxDeliveries locks: a message may expire before its last delivery')
  }
  if (nonceStore !== undefined && !validateFreshness) {
    warn('validateFreshness is off: a copy of a message is handed over again once nonceCacheTtlMs is over')
  }
}
