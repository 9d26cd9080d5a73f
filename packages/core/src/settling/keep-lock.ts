import type { Clock } from '../base/clock.ts'
import { isLockLost, isQueueError } from '../base/errors.ts'
import { abortable, OVER } from '../base/signals.ts'

/** Something that is held for a time that can be renewed: a message or a session. */
export interface Lock {
  readonly lockedUntil: Date
  renewLock(): Promise<unknown>
}

/** For how long a lock is renewed where no option says so, in milliseconds (requirements S12). */
export const DEFAULT_RENEW_MS = 300_000

/** The least pause between two tries to renew, in milliseconds, so that a broker that fails is not called ever faster. */
const MIN_PAUSE_MS = 100

/** Trying again does not bring it back. */
const isOver = (error: unknown): boolean => isLockLost(error) || isQueueError(error, 'AlreadySettled')

interface KeepOptions {
  readonly clock: Clock
  /** Asked anew each time: a session that gets another message is to be kept for longer. */
  readonly renewUntil: () => number
  readonly signal: AbortSignal
}

/** Milliseconds; what is no number is not positive. */
const leftOf = ({ lockedUntil }: Lock, clock: Clock): number => lockedUntil.getTime() - clock.now()

/** Resolves with false where there is nothing to keep any more. A broker that does not answer is not waited for past the lock. */
async function renew(lock: Lock, { clock, signal }: KeepOptions): Promise<boolean> {
  const over = new AbortController()
  try {
    await abortable(Promise.race([lock.renewLock(), clock.sleep(leftOf(lock, clock), over.signal)]), signal)
    return true
  } catch (error) {
    signal.throwIfAborted()
    return !isOver(error)
  } finally {
    over.abort(OVER)
  }
}

/**
 * Keeps a lock: renews it at half of what is left, and tries again when that fails, until the moment that `renewUntil` gives.
 * Resolves when the lock has ended, was lost or has nothing to keep any more; rejects with `signal.reason`.
 */
export async function keepLock(lock: Lock, options: KeepOptions): Promise<void> {
  const { clock, renewUntil, signal } = options
  for (let left = leftOf(lock, clock); left > 0; left = leftOf(lock, clock)) {
    await clock.sleep(Math.min(left, Math.max(MIN_PAUSE_MS, left / 2)), signal)
    const isDue = leftOf(lock, clock) > 0 && clock.now() < renewUntil()
    if (isDue && !(await renew(lock, options))) return
  }
}
