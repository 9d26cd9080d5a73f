import type { Clock } from '../base/clock.ts'
import { isQueueError } from '../base/errors.ts'

/** Exponential: 1 s, 2 s, 4 s … up to 30 s (requirements, section 0). */
export const backoffMs = (attempt: number): number => Math.min(30_000, 1_000 * 2 ** (attempt - 1))

/** What no waiting heals, such as QueueNotFound. An error that is not ours says nothing of the sort: it is waited out. */
export const isPermanent = (error: unknown): boolean => isQueueError(error) && !error.isTransient

/** The hint of an error, where it has one. */
export const retryAfterOf = (error: unknown): number | undefined =>
  isQueueError(error) ? error.retryAfterMs : undefined

/** Waits longer each time until it is reset. */
export interface Backoff {
  /** Sleeps; a hint of the broker or the key store takes the place of the computed time. */
  wait(signal: AbortSignal, retryAfterMs?: number): Promise<void>
  reset(): void
}

export function backoff(clock: Clock): Backoff {
  let attempt = 0
  return {
    async wait(signal, retryAfterMs) {
      attempt += 1
      await clock.sleep(retryAfterMs ?? backoffMs(attempt), signal)
    },
    reset() {
      attempt = 0
    },
  }
}
