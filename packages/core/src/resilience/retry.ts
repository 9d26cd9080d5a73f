import { checkOptions, type OptionChecks, option } from '../base/check.ts'
import type { Clock } from '../base/clock.ts'
import { isQueueError, QueueError } from '../base/errors.ts'
import type { Options } from '../base/options.ts'
import { linkSignals, OVER } from '../base/signals.ts'

/**
 * How calls to the broker are tried again. Only what time can heal is, and a hint of the broker takes the place of the computed
 * pause. Defaults: requirements, section 0.
 *
 * - `maxAttempts`: calls in total, the first included. Default 3
 * - `initialMs`: the pause before the first retry, in milliseconds. Default 1 000
 * - `maxMs`: the longest pause. Default 30 000
 * - `factor`: how much longer each pause is than the one before. Default 2
 * - `jitter`: by which share a pause may be shorter or longer, at random, so that a fleet does not come back in step; 0: none. Default 0.2
 * - `totalMs`: how long all attempts and pauses may take together. Default 300 000
 */
export interface RetryOptions
  extends Options<{
    maxAttempts: number
    initialMs: number
    maxMs: number
    factor: number
    jitter: number
    totalMs: number
  }> {}

export type RetrySettings = { readonly [K in keyof RetryOptions]-?: number }

const DEFAULTS: RetrySettings = {
  maxAttempts: 3,
  initialMs: 1_000,
  maxMs: 30_000,
  factor: 2,
  jitter: 0.2,
  totalMs: 300_000,
}

const atLeastOne = option.that('a number, at least 1', (value) => Number.isFinite(value) && (value as number) >= 1)
const share = option.that(
  'a number from 0 to 1',
  (value) => typeof value === 'number' && Number.isFinite(value) && value >= 0 && value <= 1,
)

/** Whether the option `retry` of a client is one; an error names it as `retry.factor`. */
export const retryOption = (field: string, value: unknown): void => {
  if (value === false) return
  const checks: OptionChecks<RetryOptions> = {
    maxAttempts: option.wholeNumber(1),
    initialMs: option.wholeNumber(0),
    maxMs: option.wholeNumber(0),
    factor: atLeastOne,
    jitter: share,
    totalMs: option.wholeNumber(1),
  }
  checkOptions(value as RetryOptions, checks, [], field)
}

/** What an option `retry` means; `false`: one attempt. */
export const retrySettings = (given: RetryOptions | false | undefined): RetrySettings => {
  const options = given === false ? { maxAttempts: 1 } : (given ?? {})
  return {
    maxAttempts: options.maxAttempts ?? DEFAULTS.maxAttempts,
    initialMs: options.initialMs ?? DEFAULTS.initialMs,
    maxMs: options.maxMs ?? DEFAULTS.maxMs,
    factor: options.factor ?? DEFAULTS.factor,
    jitter: options.jitter ?? DEFAULTS.jitter,
    totalMs: options.totalMs ?? DEFAULTS.totalMs,
  }
}

/** The pause before the n-th retry, in milliseconds. `random` gives numbers from 0 to 1. */
export function pauseMs(n: number, settings: RetrySettings, random: () => number): number {
  const { initialMs, maxMs, factor, jitter } = settings
  // A loop that never gives up gets to a power that no number holds, and 0 times that would be none.
  const power = Math.min(Number.MAX_VALUE, factor ** (n - 1))
  const exponential = Math.min(maxMs, initialMs * power)
  return Math.min(maxMs, exponential * (1 + jitter * (2 * random() - 1)))
}

/** How long the broker or a store asked to wait, in milliseconds. What is no time is no hint. */
export const hintOf = (error: unknown): number | undefined => {
  const hint = isQueueError(error) ? error.retryAfterMs : undefined
  return hint !== undefined && Number.isFinite(hint) && hint >= 0 ? hint : undefined
}

/** True for what a second attempt may heal. A gate that is shut is not knocked at: its error says when to come again. */
export const isRetryable = (error: unknown): boolean =>
  isQueueError(error) && error.isTransient && error.code !== 'CircuitOpen'

interface RetryParts {
  readonly clock: Clock
  readonly random: () => number
  /** Told of each pause before it begins. */
  readonly onRetry: (operation: string, error: unknown, pauseMs: number) => void
}

/** The attempts of one call. */
export interface Attempts {
  /** For each attempt: that of the caller, which also ends with the time for all of them (Timeout). */
  readonly signal: AbortSignal
  /** Waits until the next attempt may begin. Rejects with `error` where there is none, with `signal.reason` on an abort. */
  again(error: unknown): Promise<void>
  /** Lets go of the signal and its timer. */
  end(): void
}

interface RetryLimits {
  readonly signal: AbortSignal
  /** Ends the attempts with the last error, in a pause as well, and lets one that is under way end by itself. */
  readonly givingUp?: AbortSignal
  /** The moment until which the caller is ready to wait: no pause passes it, and no attempt ends before it. */
  readonly deadline?: number
}

/** What an attempt may take beyond the deadline, in milliseconds (requirements, section 0: receive, its own wait + 10 s). */
const GRACE_MS = 10_000

export interface Retry {
  begin(operation: string, limits: RetryLimits): Attempts
  /** Calls `attempt` until it resolves or may not be tried again. */
  run<T>(operation: string, limits: RetryLimits, attempt: (signal: AbortSignal) => Promise<T>): Promise<T>
}

export function createRetry(settings: RetrySettings, { clock, random, onRetry }: RetryParts): Retry {
  const { maxAttempts, totalMs } = settings

  const begin: Retry['begin'] = (operation, { signal, givingUp, deadline = Number.POSITIVE_INFINITY }) => {
    const limit = clock.now() + totalMs
    const latest = Math.min(deadline, limit)
    const joint = new AbortController()
    const over = new AbortController()
    let made = 0

    const follow = (): void => joint.abort(signal.reason)
    const giveUp = (): void => {
      const text = `The attempts took longer than ${totalMs} ms.`
      joint.abort(new QueueError('Timeout', text, { operation }))
    }
    if (signal.aborted) follow()
    else signal.addEventListener('abort', follow, { once: true })
    const end = Number.isFinite(deadline) ? Math.max(limit, deadline + GRACE_MS) : limit
    clock.sleep(end - clock.now(), over.signal).then(giveUp, () => {})

    return {
      signal: joint.signal,
      async again(error) {
        signal.throwIfAborted()
        made += 1
        const pause = hintOf(error) ?? pauseMs(made, settings, random)
        if (!isRetryable(error) || made >= maxAttempts || clock.now() + pause >= latest) throw error
        if (givingUp?.aborted) throw error
        onRetry(operation, error, pause)
        const awake = linkSignals(joint.signal, givingUp)
        try {
          await clock.sleep(pause, awake.signal)
        } catch (reason) {
          throw joint.signal.aborted ? reason : error
        } finally {
          awake.unlink()
        }
      },
      end() {
        signal.removeEventListener('abort', follow)
        over.abort(OVER)
      },
    }
  }

  return {
    begin,
    async run(operation, limits, attempt) {
      const attempts = begin(operation, limits)
      try {
        for (;;) {
          try {
            return await attempt(attempts.signal)
          } catch (error) {
            await attempts.again(error)
          }
        }
      } finally {
        attempts.end()
      }
    },
  }
}
