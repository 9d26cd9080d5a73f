import type { Clock } from '../base/clock.ts'
import { isQueueError } from '../base/errors.ts'
import { hintOf, pauseMs, type RetrySettings } from './retry.ts'

/** Exponential: 1 s, 2 s, 4 s … up to 30 s (requirements, section 0). */
export const backoffMs = (attempt: number): number => Math.min(30_000, 1_000 * 2 ** (attempt - 1))

/** What no waiting heals, such as QueueNotFound. An error that is not ours says nothing of the sort: it is waited out. */
export const isPermanent = (error: unknown): boolean => isQueueError(error) && !error.isTransient

/** The least pause of a loop that never gives up, in milliseconds, whatever options or hints say. */
const MIN_PAUSE_MS = 100

/** Waits longer each time until it is reset. */
interface Backoff {
  /** Sleeps; the hint of an error of the broker or the key store takes the place of the computed time. */
  wait(signal: AbortSignal, error?: unknown): Promise<void>
  reset(): void
}

/** Makes the pauses of loops that never give up, at the pace of retries. */
export type MakeBackoff = () => Backoff

export const backoffMaker =
  (settings: RetrySettings, clock: Clock, random: () => number): MakeBackoff =>
  () => {
    let attempt = 0
    return {
      async wait(signal, error) {
        attempt += 1
        const pause = hintOf(error) ?? pauseMs(attempt, settings, random)
        await clock.sleep(Math.max(MIN_PAUSE_MS, pause), signal)
      },
      reset() {
        attempt = 0
      },
    }
  }
