import type { Clock } from '@queue-runtime/core'
import { QueueError } from '@queue-runtime/core'

interface FreshnessOptions {
  readonly maxMessageAgeMs: number
  readonly clockSkewToleranceMs: number
  readonly clock: Clock
}

/**
 * Looks at the claimed time before any key is fetched. The time is not verified yet, so this only refuses; what passes is
 * proven by the tag afterwards (protocol.md 4).
 *
 * @throws MessageExpired · MessageFromFuture
 */
export function assertFresh(
  encryptedAt: Date,
  { maxMessageAgeMs, clockSkewToleranceMs, clock }: FreshnessOptions,
): void {
  const ageMs = clock.now() - encryptedAt.getTime()
  if (ageMs > maxMessageAgeMs) {
    const facts = { encryptedAt, maxAgeMs: maxMessageAgeMs }
    throw new QueueError('MessageExpired', `The message is older than ${maxMessageAgeMs} ms.`, { facts })
  }
  if (ageMs < -clockSkewToleranceMs) {
    throw new QueueError(
      'MessageFromFuture',
      `The message is more than ${clockSkewToleranceMs} ms ahead of this clock.`,
    )
  }
}

/** 5 minutes, the default of the specification. */
export const DEFAULT_MAX_MESSAGE_AGE_MS = 300_000
