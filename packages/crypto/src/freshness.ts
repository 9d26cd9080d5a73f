import { type Clock, QueueError } from '@queue-runtime/core'

interface FreshnessOptions {
  readonly maxMessageAgeMs: number
  readonly clockSkewToleranceMs: number
  readonly clock: Clock
}

/** 5 minutes, the default of the specification. */
export const DEFAULT_MAX_MESSAGE_AGE_MS = 300_000

/** Asked so that a clock that gives no number makes every message too old. */
export const isTooOld = (encryptedAt: Date, now: number, maxMessageAgeMs: number): boolean =>
  !(now - encryptedAt.getTime() <= maxMessageAgeMs)

export const messageExpired = (encryptedAt: Date, maxAgeMs: number): QueueError<'MessageExpired'> =>
  new QueueError('MessageExpired', `The message is older than ${maxAgeMs} ms.`, { facts: { encryptedAt, maxAgeMs } })

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
  const now = clock.now()
  if (isTooOld(encryptedAt, now, maxMessageAgeMs)) throw messageExpired(encryptedAt, maxMessageAgeMs)
  if (!(encryptedAt.getTime() - now <= clockSkewToleranceMs)) {
    throw new QueueError(
      'MessageFromFuture',
      `The message is more than ${clockSkewToleranceMs} ms ahead of this clock.`,
    )
  }
}
