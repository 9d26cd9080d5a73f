import type { Clock } from '../base/clock.ts'
import { createWaiters } from '../resilience/waiters.ts'

/** Lets one caller at a time through, in the order of arrival. */
export interface Turn {
  /**
   * Runs `work` alone and resolves with its result, or with undefined when the turn did not come within `waitMs`. Rejects
   * with `signal.reason` when the signal aborts while waiting.
   */
  take<T>(options: { waitMs: number; signal: AbortSignal }, work: () => Promise<T>): Promise<T | undefined>
}

export function createTurn(clock: Clock): Turn {
  const waiters = createWaiters(clock)
  let isTaken = false

  return {
    async take({ waitMs, signal }, work) {
      signal.throwIfAborted()
      if (isTaken && !(await waiters.wait(waitMs, signal))) return undefined
      isTaken = true
      try {
        return await work()
      } finally {
        // Handed on while it is taken, so that nobody who comes now gets in between.
        if (!waiters.wakeFirst()) isTaken = false
      }
    },
  }
}
