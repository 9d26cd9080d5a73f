import type { Clock } from './clock.ts'

/** Exponential: 1 s, 2 s, 4 s … up to 30 s (requirements, section 0). */
export const backoffMs = (attempt: number): number => Math.min(30_000, 1_000 * 2 ** (attempt - 1))

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
