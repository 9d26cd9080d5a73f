import type { Clock } from '../base/clock.ts'
import { isLockLost, isQueueError } from '../base/errors.ts'
import { linkSignals } from '../base/signals.ts'

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

/** A call that hangs must not hide that the lock ended meanwhile. */
const renew = async (lock: Lock, clock: Clock, signal: AbortSignal): Promise<void> => {
  const renewed = new AbortController()
  const waiting = linkSignals(signal, renewed.signal)
  try {
    await Promise.race([lock.renewLock(), clock.sleep(lock.lockedUntil.getTime() - clock.now(), waiting.signal)])
  } finally {
    renewed.abort()
    waiting.unlink()
  }
}

/**
 * Keeps a lock: renews it at half of what is left, and tries again when that fails, until the moment that `renewUntil` gives.
 * Resolves when the lock has ended, was lost or has nothing to keep any more; rejects with `signal.reason`.
 */
export async function keepLock(
  lock: Lock,
  {
    clock,
    renewUntil,
    signal,
  }: { readonly clock: Clock; readonly renewUntil: () => number; readonly signal: AbortSignal },
): Promise<void> {
  for (;;) {
    const left = lock.lockedUntil.getTime() - clock.now()
    if (left <= 0) return
    await clock.sleep(Math.min(left, Math.max(MIN_PAUSE_MS, left / 2)), signal)
    // Asked anew each time: a session that gets another message is to be kept for longer.
    if (clock.now() >= renewUntil()) continue
    try {
      await renew(lock, clock, signal)
    } catch (error) {
      signal.throwIfAborted()
      if (isOver(error)) return
    }
  }
}
