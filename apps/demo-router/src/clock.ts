import type { Clock } from '@queue-runtime/core'
import { systemClock } from '@queue-runtime/core/provider'

/** The machine's time plus an offset that only grows: nobody waits five minutes to see a message expire. */
export interface SkippingClock extends Clock {
  /** Moves time forward by `ms`, and wakes the sleepers whose time has come by then. */
  skip(ms: number): void
}

/**
 * Returns a clock that runs with the machine's and can be moved ahead of it. All who look at the time of a message have to
 * share it: broker, clients and bots.
 */
export function skippingClock(machine: Clock = systemClock): SkippingClock {
  const naps = new Set<AbortController>()
  let offsetMs = 0
  const now = (): number => machine.now() + offsetMs

  /** Sleeps until the time is up or time is skipped, whichever comes first. */
  const nap = async (ms: number, signal: AbortSignal | undefined): Promise<void> => {
    const ended = new AbortController()
    const end = (): void => ended.abort()
    signal?.addEventListener('abort', end, { once: true })
    naps.add(ended)
    try {
      await machine.sleep(ms, ended.signal)
    } catch (reason) {
      if (!ended.signal.aborted) throw reason
    } finally {
      naps.delete(ended)
      signal?.removeEventListener('abort', end)
    }
  }

  return {
    now,
    async sleep(ms, signal) {
      const wakeAt = now() + ms
      do {
        signal?.throwIfAborted()
        await nap(Math.max(0, wakeAt - now()), signal)
      } while (now() < wakeAt && !signal?.aborted)
      signal?.throwIfAborted()
    },
    skip(ms) {
      offsetMs += ms
      for (const sleeping of naps) sleeping.abort()
    },
  }
}
