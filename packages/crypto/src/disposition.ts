import { type Disposition, type ErrorCode, isQueueError, type QueueError } from '@queue-runtime/core'
import type { MessageCryptoOptions } from './options.ts'

/** What a disposition may depend on beside the error. */
interface Circumstances {
  readonly deliveryCount: number
  readonly onReplay: MessageCryptoOptions['onReplay']
}

type Rule = (circumstances: Circumstances) => Disposition

/** Reasons are coarse, since whoever reads the queue reads them too. Permanent for this message: no time makes it good. */
const deadLetter =
  (reason: 'qr.expired' | 'qr.rejected'): Rule =>
  () => ({ action: 'dead-letter', reason })

const abandon =
  (delayMs: number): Rule =>
  () => ({ action: 'abandon', delayMs })

/** Delays after the first and the second delivery; the second outlives a negative key cache. Then the message is given up. */
const RETRY_DELAYS_MS = [5_000, 35_000] as const

/** A rolling upgrade or a rotation may still make these readable. */
const retry: Rule = ({ deliveryCount }) => {
  const delayMs = RETRY_DELAYS_MS[deliveryCount - 1]
  return delayMs === undefined ? { action: 'dead-letter', reason: 'qr.unreadable' } : { action: 'abandon', delayMs }
}

const replay: Rule = ({ onReplay }) =>
  onReplay === 'dead-letter' ? { action: 'dead-letter', reason: 'qr.replayed' } : { action: 'complete' }

/** The code of the error; of a reused nonce also whether its message is being handled or was. */
type Outcome = ErrorCode | 'NonceReused in-flight' | 'NonceReused completed'

/** What becomes of a message that is not handed over (protocol.md 4.2). */
const RULES: ReadonlyMap<Outcome, Rule> = new Map<Outcome, Rule>([
  ['MessageExpired', deadLetter('qr.expired')],
  ['AuthenticationFailed', deadLetter('qr.rejected')],
  ['InvalidEnvelope', deadLetter('qr.rejected')],
  ['UnencryptedMessage', deadLetter('qr.rejected')],
  ['KeyExpired', deadLetter('qr.rejected')],
  ['KeyDisabled', deadLetter('qr.rejected')],
  ['InvalidKeyLength', deadLetter('qr.rejected')],
  ['UnsupportedVersion', retry],
  ['KeyNotFound', retry],
  ['KeyNotYetValid', retry],
  ['MessageFromFuture', retry],
  ['NonceReused in-flight', abandon(5_000)],
  ['NonceReused completed', replay],
  // The lock is as good as gone: the sooner the broker has the message back the better.
  ['MessageLockLost', abandon(0)],
])

const outcomeOf = (error: QueueError): Outcome =>
  isQueueError(error, 'NonceReused') ? `${error.code} ${error.facts.state}` : error.code

/** Whatever is not in the table is an outage or unexpected: the message is held. */
export const dispositionOf = (error: QueueError, circumstances: Circumstances): Disposition =>
  RULES.get(outcomeOf(error))?.(circumstances) ?? { action: 'hold' }
