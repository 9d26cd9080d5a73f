import type { Clock } from '../base/clock.ts'

/** Lets one caller at a time through, in the order of arrival. */
export interface Turn {
  /**
   * Runs `work` alone and resolves with its result, or with undefined when the turn did not come within `waitMs`. Rejects
   * with `signal.reason` when the signal aborts while waiting.
   */
  take<T>(options: { waitMs: number; signal: AbortSignal }, work: () => Promise<T>): Promise<T | undefined>
}

export function createTurn(clock: Clock): Turn {
  let isTaken = false
  const waiting = new Set<() => void>()

  const pass = (): void => {
    const [next] = waiting
    if (next === undefined) {
      isTaken = false
      return
    }
    waiting.delete(next)
    next()
  }

  /** True once the turn is ours; false when time ran out first. */
  const wait = async (waitMs: number, signal: AbortSignal): Promise<boolean> => {
    const stop = new AbortController()
    const giveUp = (): void => stop.abort(signal.reason)
    signal.addEventListener('abort', giveUp, { once: true })
    let isOurs = false
    const entered = Promise.withResolvers<void>()
    const enter = (): void => {
      isOurs = true
      entered.resolve()
    }
    waiting.add(enter)
    try {
      await Promise.race([entered.promise, clock.sleep(waitMs, stop.signal)])
      return isOurs
    } catch (reason) {
      // The turn may have come in the very tick of the abort.
      if (isOurs) pass()
      throw reason
    } finally {
      waiting.delete(enter)
      signal.removeEventListener('abort', giveUp)
      stop.abort()
    }
  }

  return {
    async take({ waitMs, signal }, work) {
      signal.throwIfAborted()
      if (isTaken) {
        if (!(await wait(waitMs, signal))) return undefined
      } else {
        isTaken = true
      }
      try {
        return await work()
      } finally {
        pass()
      }
    },
  }
}
