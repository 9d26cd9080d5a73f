import type { NonceRecord } from '../../src/nonce-table.ts'

/** One step of time, in milliseconds. */
export const TICK_MS = 30_000

/** Durations of the model are whole numbers of this: a lease ends so much before its lock. */
const QUANTUM_MS = 250

/**
 * What a consumer is doing with a delivery. `opened`: its tag is verified, it is not claimed; `handling`: the application has
 * it; `handled`: the application is done; `confirmed`: the broker is to complete it; `released`: the broker is to have it back.
 */
const PHASES = ['idle', 'opened', 'handling', 'handled', 'confirmed', 'released'] as const

export interface Consumer {
  readonly phase: (typeof PHASES)[number]
  /** Ticks left of its lock; 0: it has none, and the broker will refuse to settle. */
  readonly lock: number
  /** Milliseconds left of the lease that it was granted; 0: it has none. */
  readonly leaseMs: number
}

/** Which consumer. */
export type Who = 0 | 1

/** The consumers; each signs its present delivery with its name. */
export const NAMES = ['first', 'second'] as const

/** Tokens of deliveries that are over are all the same: nobody asks with them any more. */
const TOKENS: readonly string[] = [...NAMES, 'over']

/**
 * - `leaseMs`: for how long nobody else gets the message
 * - `lifeMs`: for how long it may come back, however old it is
 */
export interface Promised {
  readonly leaseMs: number
  readonly lifeMs: number
}

/**
 * One message and the copies of it. All times are relative to now, so that time may go on for ever in finitely many states:
 * that is sound because the state table looks at differences only.
 */
export interface State {
  /** Ticks since the time it is sealed with, which may lie ahead. No older than makes a difference. */
  readonly age: number
  readonly record: NonceRecord | undefined
  /** The copies that nobody holds: ticks until each can be received, ascending. */
  readonly waiting: readonly number[]
  readonly consumers: readonly [Consumer, Consumer]
  readonly copiesLeft: number
  readonly faultsLeft: number
  /** What the answers of the store so far promise, whatever it wrote down; undefined: nothing, or it is handled. */
  readonly promise: Promised | undefined
  /** Some application has handled the message. */
  readonly isHandled: boolean
  /** Some consumer has confirmed it. */
  readonly isConfirmed: boolean
}

export const IDLE: Consumer = { phase: 'idle', lock: 0, leaseMs: 0 }

/**
 * A scheduled message carries its due time, and whoever writes to the queue can bring it early: at this age a clock that is
 * ahead by the tolerance begins to take it, and the others come to take it later.
 */
const EARLIEST = -2

export const initialState = ({ copies, faults }: { copies: number; faults: number }): State => ({
  age: EARLIEST,
  record: undefined,
  promise: undefined,
  waiting: [0],
  consumers: [IDLE, IDLE],
  copiesLeft: copies,
  faultsLeft: faults,
  isHandled: false,
  isConfirmed: false,
})

const RECORD_STATES = ['claimed', 'released', 'completed'] as const

const promiseOf = (promise: Promised | undefined): number[] =>
  promise === undefined ? [0] : [1, promise.leaseMs / QUANTUM_MS, promise.lifeMs / QUANTUM_MS]

const numbersOf = (record: NonceRecord | undefined): number[] => {
  if (record === undefined) return [0]
  const state = 1 + RECORD_STATES.indexOf(record.state)
  const life = record.expiresAt / QUANTUM_MS
  if (record.state !== 'claimed') return [state, life]
  return [state, life, record.leaseEnd / QUANTUM_MS, TOKENS.indexOf(record.token)]
}

/**
 * Every state as a short text, two different ones as different texts.
 * @throws RangeError where a duration is no whole number of quanta
 */
export function encode(state: State): string {
  const { age, record, promise, waiting, consumers, copiesLeft, faultsLeft, isHandled, isConfirmed } = state
  const numbers = [
    age - EARLIEST,
    copiesLeft,
    faultsLeft,
    Number(isHandled) + 2 * Number(isConfirmed),
    ...consumers.flatMap(({ phase, lock, leaseMs }) => [PHASES.indexOf(phase), lock, leaseMs / QUANTUM_MS]),
    waiting.length,
    ...waiting,
    ...numbersOf(record),
    ...promiseOf(promise),
  ]
  if (numbers.some((number) => !Number.isInteger(number) || number < 0)) {
    throw new RangeError(`A state has no text: ${numbers.join(' ')}`)
  }
  return String.fromCharCode(...numbers)
}
