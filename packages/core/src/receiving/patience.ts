import type { Clock } from '../base/clock.ts'
import { OVER } from '../base/signals.ts'

/** After so many milliseconds an answer is slow: locks are kept from here on. Those that end before were renewed at once. */
const SLOW_MS = 1_000

/** After so many more it is not waited for any longer: whoever does not answer is down. */
const LIMIT_MS = 60_000

const NO_ANSWER = Symbol('no answer')

/**
 * Resolves with the answer, or with undefined where none came in a minute. `onSlow` begins what is needed only then; its signal
 * ends with the wait.
 */
export type Patience = <T>(
  answer: Promise<T>,
  signal: AbortSignal,
  onSlow: (over: AbortSignal) => void,
) => Promise<T | undefined>

export const createPatience =
  (clock: Clock): Patience =>
  async (answer, signal, onSlow) => {
    const over = new AbortController()
    const stop = (): void => over.abort(OVER)
    /** After an abort the answer alone counts: it comes soon, and holds what was claimed. */
    const after = (ms: number): Promise<typeof NO_ANSWER> =>
      clock.sleep(ms, over.signal).then(
        () => NO_ANSWER,
        () => new Promise<never>(() => {}),
      )
    signal.addEventListener('abort', stop, { once: true })
    if (signal.aborted) stop()
    try {
      const early = await Promise.race([answer, after(SLOW_MS)])
      if (early !== NO_ANSWER) return early
      onSlow(over.signal)
      const late = await Promise.race([answer, after(LIMIT_MS)])
      return late === NO_ANSWER ? undefined : late
    } finally {
      signal.removeEventListener('abort', stop)
      stop()
    }
  }
