import type { Clock } from '../base/clock.ts'
import { errorClass, QueueError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import { createWaiters } from './waiters.ts'

/** Where an outage is: at the broker, which stops sending too, or behind the receiver (key store, nonce store, application). */
type OutageSide = 'broker' | 'receiver'

type Direction = 'send' | 'receive'

export type GateState = 'closed' | 'open' | 'half-open'

/** What one call that came through the gate tells it when it is over. Only the first word counts. */
export interface Passage {
  /** Let in to find out whether the outage is over: it should ask for little and not wait for long. */
  readonly isProbe: boolean
  succeeded(): void
  /** The broker failed, in a way that time can heal. */
  failed(error: unknown): void
  /** The broker delivered, and what it delivered is held. */
  held(error: unknown): void
  /** It found out nothing: aborted, or refused for what was asked. */
  left(): void
}

/**
 * Circuit breaker and pause in one, for one queue (requirements R5). Closed: all come through. Open: nobody, until 30 s after
 * the last failure. Half-open: one receive and one send at a time; three successes close it, one failure opens it again.
 * Settlements and lock renewals never ask it.
 */
export interface Gate {
  readonly state: GateState
  /** Why it is not closed; undefined where it is. */
  readonly outage: unknown
  /** @throws CircuitOpen with `retryAfterMs`, where nobody is let in, not even as a probe */
  throwIfOpen(direction: Direction): void
  /** @throws CircuitOpen with `retryAfterMs` */
  enter(direction: Direction): Passage
  /**
   * Opens at once: messages are held. `watcher`: who tries them again. That is the probe of their stores, so that time alone
   * lets nobody at the queue before the watcher lets go.
   */
  trip(error: unknown, watcher?: object): void
  letGo(watcher: object): void
  /** A message that was held is no longer: a probe that succeeded. */
  heal(): void
  /** Resolves when a receive may be let in, or after `maxMs`. Rejects with `signal.reason`. */
  wait(maxMs: number, signal: AbortSignal): Promise<void>
}

/** Requirements, section 0. */
const FAILURES_TO_OPEN = 5
const OPEN_MS = 30_000
const SUCCESSES_TO_CLOSE = 3

/** How long a probe looks at the queue, in milliseconds: while it does the others stay outside. */
export const PROBE_MS = 1_000

interface GateParts {
  readonly queue: string
  readonly clock: Clock
  readonly logger: Logger
  readonly onState: (state: GateState) => void
}

export function createGate({ queue, clock, logger, onState }: GateParts): Gate {
  const waiters = createWaiters(clock)
  const probing = new Set<Direction>()
  const watchers = new Set<object>()
  let state: GateState = 'closed'
  let side: OutageSide = 'receiver'
  let outage: unknown
  let openUntil = 0
  /** Of the broker, in a row. */
  let failures = 0
  let successes = 0

  const become = (next: GateState): void => {
    if (state !== next) {
      state = next
      onState(next)
    }
    waiters.wakeAll()
  }

  const fields = (): Record<string, unknown> => ({ queue_name: queue, error_type: errorClass(outage), side })

  const open = (where: OutageSide, error: unknown): void => {
    const isWorse = state === 'closed' || (where === 'broker' && side === 'receiver')
    side = where
    outage = error
    openUntil = clock.now() + OPEN_MS
    successes = 0
    if (isWorse) logger.error(fields(), 'Outage: intake pauses')
    become('open')
  }

  const close = (): void => {
    logger.info(fields(), 'The outage is over')
    outage = undefined
    become('closed')
  }

  /** A watcher knows when its store is back; of the broker only time tells. */
  const movesWithTime = (): boolean => side === 'broker' || watchers.size === 0

  /** Moves on with time; nothing runs by itself. A clock that was set back does not keep it shut. */
  const now = (): GateState => {
    openUntil = Math.min(openUntil, clock.now() + OPEN_MS)
    if (state === 'open' && movesWithTime() && clock.now() >= openUntil) become('half-open')
    return state
  }

  const stops = (direction: Direction): boolean => now() !== 'closed' && (direction === 'receive' || side === 'broker')

  const isShut = (direction: Direction): boolean => stops(direction) && (state === 'open' || probing.has(direction))

  const succeed = (): void => {
    successes += 1
    if (successes >= SUCCESSES_TO_CLOSE) close()
    else become('half-open')
  }

  const fail = (error: unknown, isProbe: boolean): void => {
    failures += 1
    if (failures >= FAILURES_TO_OPEN) open('broker', error)
    else if (isProbe) open(side, error)
  }

  const refusal = (): QueueError => {
    const text = `An outage (${errorClass(outage)}) stops the queue for now.`
    return new QueueError('CircuitOpen', text, { queue, retryAfterMs: Math.max(PROBE_MS, openUntil - clock.now()) })
  }

  return {
    get state() {
      return now()
    },
    get outage() {
      return now() === 'closed' ? undefined : outage
    },
    throwIfOpen(direction) {
      if (stops(direction) && state === 'open') throw refusal()
    },
    enter(direction) {
      if (isShut(direction)) throw refusal()
      const isProbe = stops(direction)
      if (isProbe) probing.add(direction)
      let isOver = false
      /** Tells whether what comes out of it is still the answer to a probe: the gate may have moved on meanwhile. */
      const end = (tell: (answersProbe: boolean) => void): void => {
        if (isOver) return
        isOver = true
        if (isProbe) probing.delete(direction)
        tell(isProbe && state === 'half-open')
      }
      return {
        isProbe,
        succeeded: () =>
          end((answersProbe) => {
            failures = 0
            // A send that came through beside an outage of the stores proves nothing about them.
            if (answersProbe) succeed()
          }),
        failed: (error) => end((answersProbe) => fail(error, answersProbe)),
        held: (error) =>
          end(() => {
            failures = 0
            open('receiver', error)
          }),
        left: () => end(() => waiters.wakeAll()),
      }
    },
    trip(error, watcher) {
      if (watcher !== undefined) watchers.add(watcher)
      // Where the broker is down as well, that is the worse of the two: sends must not be let out for it.
      if (now() === 'closed' || side === 'receiver') open('receiver', error)
    },
    letGo(watcher) {
      if (watchers.delete(watcher)) waiters.wakeAll()
    },
    heal() {
      if (now() !== 'closed' && side === 'receiver') succeed()
    },
    async wait(maxMs, signal) {
      if (!isShut('receive')) return
      const untilProbe = state === 'open' && movesWithTime() ? openUntil - clock.now() : maxMs
      await waiters.wait(Math.min(maxMs, untilProbe), signal)
    },
  }
}
