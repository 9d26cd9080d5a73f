import type { Disposition, ErrorCode } from '@queue-runtime/core'

/** Reasons of dead letters: coarse, since whoever reads the queue reads them too (protocol.md 4.2). */
type Reason = 'qr.expired' | 'qr.rejected'

/** Permanent for this message: nothing that time brings makes it good. */
const DEAD_LETTERED: ReadonlyMap<ErrorCode, Reason> = new Map<ErrorCode, Reason>([
  ['MessageExpired', 'qr.expired'],
  ['AuthenticationFailed', 'qr.rejected'],
  ['InvalidEnvelope', 'qr.rejected'],
  ['UnencryptedMessage', 'qr.rejected'],
  ['KeyExpired', 'qr.rejected'],
  ['KeyDisabled', 'qr.rejected'],
  ['InvalidKeyLength', 'qr.rejected'],
])

/** A rolling upgrade or a rotation may still make these readable. */
const RETRIED: ReadonlySet<ErrorCode> = new Set([
  'UnsupportedVersion',
  'KeyNotFound',
  'KeyNotYetValid',
  'MessageFromFuture',
])

/** Delays after the first and the second delivery; the second outlives a negative key cache. Then the message is given up. */
const RETRY_DELAYS_MS = [5_000, 35_000] as const

/** What becomes of a message that could not be opened. Whatever is not in a table is an outage or unexpected: it is held. */
export function dispositionOf(code: ErrorCode, deliveryCount: number): Disposition {
  const reason = DEAD_LETTERED.get(code)
  if (reason !== undefined) return { action: 'dead-letter', reason }
  if (!RETRIED.has(code)) return { action: 'hold' }
  const delayMs = RETRY_DELAYS_MS[deliveryCount - 1]
  return delayMs === undefined ? { action: 'dead-letter', reason: 'qr.unreadable' } : { action: 'abandon', delayMs }
}
