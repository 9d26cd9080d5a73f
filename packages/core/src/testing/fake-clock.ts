import type { Clock } from '../base/clock.ts'

/** A clock that stands still until it is told to move. */
export interface FakeClock extends Clock {
  /**
   * Moves time forward by `ms`, waking each sleeper at its own moment, in order. Resolves after what they woke has run as
   * far as it can without more time passing.
   */
  advance(ms: number): Promise<void>
}

interface Sleeper {
  readonly wakeAt: number
  readonly wake: () => void
}

/** Lets promises that are due settle; several turns, since one may wait for the next. */
const settleDown = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

/**
 * Returns a clock for tests that begins at `startMs` (milliseconds since 1970).
 *
 * @example
 * const clock = fakeClock(Date.UTC(2026, 0, 1))
 * const waiting = client.receive({ waitMs: 5_000 })
 * await clock.advance(5_000)
 * await waiting // null
 */
export function fakeClock(startMs = 0): FakeClock {
  let now = startMs
  const sleepers = new Set<Sleeper>()

  const nextUntil = (end: number): Sleeper | undefined =>
    [...sleepers].filter(({ wakeAt }) => wakeAt <= end).sort((a, b) => a.wakeAt - b.wakeAt)[0]

  return {
    now: () => now,
    async sleep(ms, signal) {
      signal?.throwIfAborted()
      if (ms <= 0) return
      await new Promise<void>((resolve, reject) => {
        const onAbort = (): void => {
          sleepers.delete(sleeper)
          reject(signal?.reason)
        }
        const sleeper: Sleeper = {
          wakeAt: now + ms,
          wake: () => {
            sleepers.delete(sleeper)
            signal?.removeEventListener('abort', onAbort)
            resolve()
          },
        }
        sleepers.add(sleeper)
        signal?.addEventListener('abort', onAbort, { once: true })
      })
    },
    async advance(ms) {
      const end = now + ms
      await settleDown()
      for (let sleeper = nextUntil(end); sleeper !== undefined; sleeper = nextUntil(end)) {
        now = Math.max(now, sleeper.wakeAt)
        sleeper.wake()
        await settleDown()
      }
      now = end
      await settleDown()
    },
  }
}
