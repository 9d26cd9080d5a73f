import type { Clock } from '../base/clock.ts'
import { OVER } from '../base/signals.ts'

/** Callers that wait until somebody wakes them. */
export interface Waiters {
  /** Resolves with true once woken, with false after `ms`. Rejects with `signal.reason`: then nobody wakes it in vain. */
  wait(ms: number, signal: AbortSignal): Promise<boolean>
  /** Wakes who has waited longest; false where nobody waits. */
  wakeFirst(): boolean
  wakeAll(): void
}

export function createWaiters(clock: Clock): Waiters {
  const waiting = new Set<() => void>()
  return {
    wait: (ms, signal) =>
      new Promise((resolve, reject) => {
        const over = new AbortController()
        const leave = (): void => {
          waiting.delete(wake)
          signal.removeEventListener('abort', giveUp)
          over.abort(OVER)
        }
        const wake = (): void => {
          leave()
          resolve(true)
        }
        const giveUp = (): void => {
          leave()
          reject(signal.reason)
        }
        const tire = (): void => {
          leave()
          resolve(false)
        }
        if (signal.aborted) return giveUp()
        waiting.add(wake)
        signal.addEventListener('abort', giveUp, { once: true })
        clock.sleep(ms, over.signal).then(tire, () => {})
      }),
    wakeFirst() {
      const [first] = waiting
      first?.()
      return first !== undefined
    },
    wakeAll() {
      for (const wake of [...waiting]) wake()
    },
  }
}
