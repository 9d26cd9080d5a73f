import { QueueError } from '../src/index.ts'
import type { Delivery, QueueProvider, QueueTransport, SessionTransport } from '../src/provider.ts'
import type { FakeClock } from '../src/testing.ts'
import { incoming } from './support.ts'

/** What a broker is asked for. */
export interface Call {
  readonly operation:
    | 'receive'
    | 'complete'
    | 'abandon'
    | 'deadLetter'
    | 'renewLock'
    | 'acceptSession'
    | 'renewSession'
    | 'closeSession'
  readonly messageId: string | undefined
  readonly sessionId: string | undefined
}

export interface SmallBrokerOptions {
  readonly clock: FakeClock
  /**
   * `accept`: sessions are handed out under locks of their own, as on Service Bus; `groups`: like other messages, the rest of a
   * session is kept back meanwhile, as on SQS FIFO; `none`: ids without a meaning.
   */
  readonly sessions?: 'accept' | 'groups' | 'none'
  readonly abandonDelay?: boolean
  readonly lockMs?: number
  readonly sessionLockMs?: number
  /** Comes before each call: what it throws is the answer, and what it waits for makes the call slow. */
  readonly before?: (call: Call) => Promise<void> | void
}

interface SessionLock {
  readonly sessionId: string
  until: number
}

interface Stored {
  readonly messageId: string
  readonly text: string
  readonly sessionId: string | undefined
  readonly brokerMessageId: string
  deliveryCount: number
  visibleAt: number
  lock: { until: number; readonly session: SessionLock | undefined } | null
}

/** A broker of one queue whose inside can be seen. */
export interface SmallBroker {
  readonly provider: QueueProvider
  put(text: string, sessionId?: string): void
  /** The texts of what is locked, of the sessions that are, and of all that is left. */
  readonly locked: readonly string[]
  readonly lockedSessions: readonly string[]
  readonly left: readonly string[]
  /** The texts of what was completed and dead-lettered, in order. */
  readonly completed: readonly string[]
  readonly letters: readonly string[]
  /** How often each text was delivered. */
  readonly deliveries: ReadonlyMap<string, number>
  /** What nobody may do: two receives of one receiver at once. */
  readonly violations: readonly string[]
  /** Somebody else gets the lock of a session. */
  steal(sessionId: string): void
}

const lost = (code: 'MessageLockLost' | 'SessionLockLost'): QueueError => new QueueError(code, 'gone')

export function smallBroker({
  clock,
  sessions = 'none',
  abandonDelay = true,
  lockMs = 30_000,
  sessionLockMs = 60_000,
  before = () => {},
}: SmallBrokerOptions): SmallBroker {
  const messages: Stored[] = []
  const sessionLocks = new Map<string, SessionLock>()
  const completed: string[] = []
  const letters: string[] = []
  const violations: string[] = []
  const deliveries = new Map<string, number>()
  let changed = Promise.withResolvers<void>()
  let put = 0

  const change = (): void => {
    changed.resolve()
    changed = Promise.withResolvers()
  }

  const isHeld = (session: SessionLock): boolean =>
    sessionLocks.get(session.sessionId) === session && session.until > clock.now()

  const isLocked = ({ lock }: Stored): boolean =>
    lock !== null && (lock.session === undefined ? lock.until > clock.now() : isHeld(lock.session))

  /** Waiting for its delay, or locked. */
  const isBusy = (message: Stored): boolean => message.visibleAt > clock.now() || isLocked(message)

  const isReady = (message: Stored): boolean => {
    if (isBusy(message)) return false
    if (message.sessionId === undefined || sessions === 'none') return true
    if (sessions === 'accept') return false
    return !messages.some((other) => other.sessionId === message.sessionId && isBusy(other))
  }

  const nextDue = (): number => {
    const moments = [
      ...messages.flatMap(({ visibleAt, lock }) => [visibleAt, lock?.until ?? 0]),
      ...Array.from(sessionLocks.values(), ({ until }) => until),
    ]
    return Math.min(...moments.filter((moment) => moment > clock.now()))
  }

  /** Looks until something is found or the time is over. */
  const wait = async <T>(waitMs: number, signal: AbortSignal, look: () => T | undefined): Promise<T | undefined> => {
    const deadline = clock.now() + waitMs
    for (;;) {
      signal.throwIfAborted()
      const found = look()
      if (found !== undefined || clock.now() >= deadline) return found
      const stop = new AbortController()
      const end = (): void => stop.abort(signal.reason)
      signal.addEventListener('abort', end, { once: true })
      try {
        const until = Math.min(deadline, nextDue())
        await Promise.race([changed.promise, clock.sleep(until - clock.now(), stop.signal)])
      } finally {
        signal.removeEventListener('abort', end)
        stop.abort()
      }
    }
  }

  const deliver = (stored: Stored, session: SessionLock | undefined): Delivery => {
    const { messageId, sessionId, text, brokerMessageId } = stored
    const lock = { until: clock.now() + lockMs, session }
    stored.lock = lock
    stored.deliveryCount += 1
    deliveries.set(text, (deliveries.get(text) ?? 0) + 1)
    const facts = { messageId, sessionId, brokerMessageId, deliveryCount: stored.deliveryCount }
    const untilOf = (): Date => new Date(session?.until ?? lock.until)
    const message = Object.defineProperty(incoming({ ...facts, body: new TextEncoder().encode(text) }), 'lockedUntil', {
      get: untilOf,
      enumerable: true,
    })

    const held = (operation: Call['operation'], act: () => void) => async (): Promise<void> => {
      await before({ operation, messageId, sessionId })
      if (session !== undefined && !isHeld(session)) throw lost('SessionLockLost')
      if (stored.lock !== lock || !isLocked(stored)) throw lost('MessageLockLost')
      act()
      change()
    }
    const remove = (list: string[]) => (): void => {
      messages.splice(messages.indexOf(stored), 1)
      list.push(text)
    }
    return {
      message,
      complete: held('complete', remove(completed)),
      deadLetter: held('deadLetter', remove(letters)),
      async abandon({ delayMs }) {
        if (delayMs > 0 && !abandonDelay) throw new Error('This broker cannot delay.')
        await held('abandon', () => {
          stored.lock = null
          stored.visibleAt = clock.now() + delayMs
        })()
      },
      async renewLock() {
        await held('renewLock', () => {
          if (session === undefined) lock.until = clock.now() + lockMs
          else session.until = clock.now() + sessionLockMs
        })()
        return untilOf()
      },
    }
  }

  /** Fails the test where somebody receives twice at once. */
  const alone = <A extends unknown[], T>(receive: (...args: A) => Promise<T>): ((...args: A) => Promise<T>) => {
    let isBusy = false
    return async (...args) => {
      if (isBusy) violations.push('two receives at once')
      isBusy = true
      try {
        return await receive(...args)
      } finally {
        isBusy = false
      }
    }
  }

  const takeNext = (maxMessages: number): Delivery[] | undefined => {
    // All of a group that are at hand come together, as on SQS FIFO.
    const ready = messages.filter(isReady).slice(0, maxMessages)
    return ready.length > 0 ? ready.map((stored) => deliver(stored, undefined)) : undefined
  }

  const openSession = (lock: SessionLock): SessionTransport => {
    const { sessionId } = lock
    const call = (operation: Call['operation']) => before({ operation, sessionId, messageId: undefined })
    const takeFirst = (maxMessages: number): Delivery[] | undefined => {
      if (!isHeld(lock)) throw lost('SessionLockLost')
      const own = messages.filter((stored) => stored.sessionId === sessionId)
      const delayed = own.findIndex(({ visibleAt }) => visibleAt > clock.now())
      const ready = own.slice(0, delayed === -1 ? own.length : delayed).filter((stored) => !isLocked(stored))
      const first = ready.slice(0, maxMessages)
      return first.length > 0 ? first.map((stored) => deliver(stored, lock)) : undefined
    }
    return {
      sessionId,
      get lockedUntil() {
        return new Date(lock.until)
      },
      receive: alone(async ({ maxMessages, waitMs, signal }) => {
        await call('receive')
        return (await wait(waitMs, signal, () => takeFirst(maxMessages))) ?? []
      }),
      async renewLock() {
        await call('renewSession')
        if (!isHeld(lock)) throw lost('SessionLockLost')
        lock.until = clock.now() + sessionLockMs
        return new Date(lock.until)
      },
      async close() {
        await call('closeSession')
        if (sessionLocks.get(sessionId) === lock) sessionLocks.delete(sessionId)
        change()
      },
    }
  }

  const takeSession = (wanted: string | undefined): SessionLock | undefined => {
    const isFree = (id: string): boolean => {
      const lock = sessionLocks.get(id)
      return lock === undefined || !isHeld(lock)
    }
    if (wanted !== undefined && !isFree(wanted)) {
      throw new QueueError('SessionLocked', 'taken', { facts: { lockedUntil: undefined } })
    }
    const first = messages.find(({ sessionId }) => sessionId !== undefined && isFree(sessionId))?.sessionId
    const sessionId = wanted ?? first
    if (sessionId === undefined) return undefined
    const lock = { sessionId, until: clock.now() + sessionLockMs }
    sessionLocks.set(sessionId, lock)
    return lock
  }

  const open = (): QueueTransport => {
    let isClosed = false
    const assertOpen = (): void => {
      if (isClosed) throw new QueueError('ClientClosed', 'The transport is closed.')
    }
    return {
      lockMs,
      features: { deliverAt: true, timeToLive: true, abandonDelay, sessionIds: 'allowed' },
      send: async (wires) => wires.map(() => ({ error: null })),
      receive: alone(async ({ maxMessages, waitMs, signal }) => {
        assertOpen()
        await before({ operation: 'receive', messageId: undefined, sessionId: undefined })
        return (await wait(waitMs, signal, () => takeNext(maxMessages))) ?? []
      }),
      ...(sessions === 'accept' && {
        async acceptSession({ sessionId, waitMs, signal }) {
          await before({ operation: 'acceptSession', messageId: undefined, sessionId })
          const lock = await wait(waitMs, signal, () => takeSession(sessionId))
          return lock === undefined ? null : openSession(lock)
        },
      }),
      async close() {
        isClosed = true
      },
    }
  }

  return {
    provider: { name: 'small', open },
    put(text, sessionId) {
      put += 1
      const ids = { messageId: `m-${put}`, brokerMessageId: String(put) }
      messages.push({ text, sessionId, ...ids, deliveryCount: 0, visibleAt: 0, lock: null })
      change()
    },
    get locked() {
      return messages.filter(isLocked).map(({ text }) => text)
    },
    get lockedSessions() {
      return [...sessionLocks.values()].filter(isHeld).map(({ sessionId }) => sessionId)
    },
    get left() {
      return messages.map(({ text }) => text)
    },
    completed,
    letters,
    deliveries,
    violations,
    steal(sessionId) {
      sessionLocks.set(sessionId, { sessionId, until: clock.now() + sessionLockMs })
      change()
    },
  }
}
