import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '@queue-runtime/core'
import { systemClock } from '@queue-runtime/core/provider'

/** Time as a subject has it: injected, or that of the machine. */
export interface Time {
  /** The clock that the subject goes by. */
  readonly clock: Clock
  /** Lets `ms` milliseconds pass on it. */
  advance(ms: number): Promise<void>
  /** How long a receive waits that looks whether there is something, in milliseconds; 0 where one look shows it. */
  readonly lookMs: number
  /** How long what happens by itself may take, in milliseconds of the machine's clock. */
  readonly patienceMs: number
}

/**
 * Returns the time of a subject inside of this process that goes by a clock which tests move, such as `fakeClock()` of
 * `@queue-runtime/core/testing`.
 */
export const injectedTime = (clock: Clock & { advance(ms: number): Promise<void> }): Time => ({
  clock,
  advance: (ms) => clock.advance(ms),
  lookMs: 0,
  patienceMs: 250,
})

/**
 * Returns the time of a subject that cannot be told the time, such as a server. `lookMs`: after so many milliseconds what was
 * sent can be received, on a busy machine too; every look for nothing takes so long. Default 300
 */
export const realTime = (lookMs = 300): Time => ({
  clock: systemClock,
  advance: (ms) => sleep(ms),
  lookMs,
  patienceMs: Math.max(2_000, 10 * lookMs),
})

/** Lets everything run that is due, a good many turns of it: one promise may wait for the next. */
const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 30; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

const LATE = Symbol('late')

/** Resolves as `work` does, which must not need any time to pass. */
export async function soon<T>({ patienceMs }: Time, what: string, work: Promise<T>): Promise<T> {
  const stop = new AbortController()
  // A process that was held up for a while gets its turns before it is called late.
  const late = sleep(patienceMs, undefined, { signal: stop.signal }).then(turns)
  late.catch(() => {})
  try {
    const result = await Promise.race([work, late.then((): typeof LATE => LATE)])
    if (result === LATE) throw new Error(`${what} should have happened by itself`)
    return result
  } finally {
    stop.abort()
  }
}

/** Waits as long as it takes to be sure that `work` does not settle by itself, and tells whether it still has not. */
export async function isPending({ lookMs }: Time, work: Promise<unknown>): Promise<boolean> {
  const settled = work.then(
    () => false,
    () => false,
  )
  const quiet = (lookMs === 0 ? turns() : sleep(lookMs)).then(() => true)
  return Promise.race([settled, quiet])
}

/** Resolves once `isTrue` holds; the time of the subject does not move. */
export async function until({ patienceMs }: Time, what: string, isTrue: () => boolean): Promise<void> {
  const end = performance.now() + patienceMs
  while (!isTrue()) {
    const isOver = performance.now() > end
    await turns()
    if (isOver && !isTrue()) throw new Error(`${what} did not happen`)
  }
}
