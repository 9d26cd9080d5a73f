import type { Clock } from '../base/clock.ts'
import { errorClass, QueueError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'

/** Where an outage is: at the broker, which stops sending too, or behind the receiver (key store, nonce store, application). */
type OutageSide = 'broker' | 'receiver'

export type GateState = 'closed' | 'open' | 'half-open'

/** What one call that came through the gate tells it when it is over. Only the first word counts. */
export interface Passage {
  /** Let in to find out whether the outage is over: it should ask for little. */
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
  /** @throws CircuitOpen with `retryAfterMs` */
  enter(direction: 'send' | 'receive'): Passage
  /** Opens at once: messages are held. */
  trip(error: unknown): void
  /** A message that was held is no longer: a probe that succeeded. */
  heal(): void
  /** Resolves when a receive may be let in, or after `maxMs`. Rejects with `signal.reason`. */
  wait(maxMs: number, signal: AbortSignal): Promise<void>
}

/** Requirements, section 0. */
const FAILURES_TO_OPEN = 5
const OPEN_MS = 30_000
const SUCCESSES_TO_CLOSE = 3

interface GateParts {
  readonly queue: string
  readonly clock: Clock
  readonly logger: Logger
  readonly onState: (state: GateState) => void
}

export function createGate({ queue, clock, logger, onState }: GateParts): Gate {
  let state: GateState = 'closed'
  let side: OutageSide = 'broker'
  let outage: unknown
  let openUntil = 0
  let failures = 0
  let successes = 0
  let changed = Promise.withResolvers<void>()
  const probing = new Set<'send' | 'receive'>()

  const become = (next: GateState): void => {
    if (state !== next) {
      state = next
      onState(next)
    }
    changed.resolve()
    changed = Promise.withResolvers()
  }

  const fields = (): Record<string, unknown> => ({ queue_name: queue, error_type: errorClass(outage), side })

  const open = (where: OutageSide, error: unknown): void => {
    side = where
    outage = error
    openUntil = clock.now() + OPEN_MS
    successes = 0
    if (state === 'closed') logger.error(fields(), 'Outage: intake pauses')
    become('open')
  }

  const close = (): void => {
    logger.info(fields(), 'The outage is over')
    failures = 0
    outage = undefined
    become('closed')
  }

  /** Moves on with time; nothing runs by itself. */
  const now = (): GateState => {
    if (state === 'open' && clock.now() >= openUntil) become('half-open')
    return state
  }

  const stops = (direction: 'send' | 'receive'): boolean => direction === 'receive' || side === 'broker'

  const succeed = (): void => {
    failures = 0
    if (state === 'closed') return
    successes += 1
    if (successes >= SUCCESSES_TO_CLOSE) close()
    else become('half-open')
  }

  const fail = (error: unknown, isProbe: boolean): void => {
    failures += 1
    const isBroker = failures >= FAILURES_TO_OPEN || state === 'closed'
    if (isProbe || failures >= FAILURES_TO_OPEN) open(isBroker ? 'broker' : side, error)
  }

  const trip = (error: unknown): void => {
    failures = 0
    open('receiver', error)
  }

  const refusal = (): QueueError => {
    const retryAfterMs = Math.max(1, openUntil - clock.now())
    return new QueueError('CircuitOpen', `An outage (${errorClass(outage)}) stops the queue for now.`, {
      queue,
      retryAfterMs,
    })
  }

  return {
    get state() {
      return now()
    },
    get outage() {
      return now() === 'closed' ? undefined : outage
    },
    enter(direction) {
      const isProbe = now() !== 'closed' && stops(direction)
      if (isProbe && (state === 'open' || probing.has(direction))) throw refusal()
      if (isProbe) probing.add(direction)
      let isOver = false
      const end = (tell: () => void): void => {
        if (isOver) return
        isOver = true
        if (isProbe) probing.delete(direction)
        tell()
      }
      return {
        isProbe,
        // A send that came through beside an outage of the stores proves nothing about them.
        succeeded: () => end(() => (isProbe || state === 'closed' ? succeed() : undefined)),
        failed: (error) => end(() => fail(error, isProbe)),
        held: (error) => end(() => trip(error)),
        left: () => end(() => become(state)),
      }
    },
    trip,
    heal: () => (side === 'receiver' ? succeed() : undefined),
    async wait(maxMs, signal) {
      signal.throwIfAborted()
      const isShut = now() === 'open' || (state === 'half-open' && probing.has('receive'))
      if (!isShut) return
      const stop = new AbortController()
      const giveUp = (): void => stop.abort(signal.reason)
      signal.addEventListener('abort', giveUp, { once: true })
      const timer = clock.sleep(state === 'open' ? Math.min(maxMs, openUntil - clock.now()) : maxMs, stop.signal)
      try {
        await Promise.race([changed.promise, timer])
      } finally {
        signal.removeEventListener('abort', giveUp)
        timer.catch(() => {})
        stop.abort()
      }
    },
  }
}
