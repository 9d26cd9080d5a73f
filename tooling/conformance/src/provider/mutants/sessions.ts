import { isQueueError } from '@queue-runtime/core'
import type { Delivery, QueueTransport, SessionTransport } from '@queue-runtime/core/provider'
import type { SessionMutant } from '../mutant.ts'
import { type Changes, type Fault, fault, never, onAbort } from './altered.ts'

type Accept = NonNullable<QueueTransport['acceptSession']>

const done = async (): Promise<void> => {}

const accepting = (change: (accept: Accept, transport: QueueTransport) => Accept): Fault =>
  fault({
    transport: (transport) =>
      transport.acceptSession === undefined ? {} : { acceptSession: change(transport.acceptSession, transport) },
  })

const holding = (session: NonNullable<Changes['session']>): Fault => fault({ session })

/** One session object for all who ask for its id. */
const sharing: Fault = (setup) => {
  const sessions = new Map<string, SessionTransport>()
  return accepting((accept) => async (options) => {
    try {
      const session = await accept(options)
      if (session !== null) sessions.set(session.sessionId, session)
      return session
    } catch (error) {
      const held = options.sessionId === undefined ? undefined : sessions.get(options.sessionId)
      if (held === undefined || !isQueueError(error, 'SessionLocked')) throw error
      return held
    }
  })(setup)
}

/** Whoever asks for the next session gets the one that was accepted last, while it has its lock. */
const repeating: Fault = (setup) => {
  let last: SessionTransport | undefined
  return accepting((accept) => async (options) => {
    if (options.sessionId === undefined && last !== undefined) return last
    last = (await accept(options)) ?? undefined
    return last ?? null
  })(setup)
}

/** Closing takes the session from whoever holds it now. */
const freeing: Fault = (setup) => {
  const sessions = new Map<string, SessionTransport>()
  return holding((session) => {
    sessions.set(session.sessionId, session)
    return {
      async close() {
        await sessions.get(session.sessionId)?.close()
        await session.close()
      },
    }
  })(setup)
}

/** What its former holder asks for is done by whoever holds the session now. */
const serving: Fault = (setup) => {
  const sessions = new Map<string, SessionTransport>()
  return holding((session, transport) => {
    sessions.set(session.sessionId, session)
    return {
      async receive(options): Promise<Delivery[]> {
        return session.receive(options).catch(async (error: unknown) => {
          if (!isQueueError(error, 'SessionLockLost')) throw error
          const { sessionId } = session
          const next = sessions.get(sessionId)
          if (next !== session && next !== undefined) return next.receive(options)
          return (await transport.acceptSession?.({ ...options, sessionId }))?.receive(options) ?? []
        })
      },
    }
  })(setup)
}

/** Renews without being asked, as long as the process lives. */
const holdingForEver: Fault = fault(({ time, sessionLockMs = 0 }) => ({
  session(session) {
    const ended = new AbortController()
    const renew = async (): Promise<void> => {
      for (;;) {
        await time.clock.sleep(sessionLockMs / 3, ended.signal)
        await session.renewLock()
      }
    }
    renew().catch(done)
    return {
      async close() {
        ended.abort()
        await session.close()
      },
    }
  },
}))

export const sessionMutants: Readonly<Record<SessionMutant, Fault>> = {
  'gives messages of any session': fault({
    session: (session, transport) => ({
      async receive(options) {
        const own = await session.receive({ ...options, waitMs: 0 })
        if (own.length > 0) return own
        const any = await transport.receive({ ...options, waitMs: 0 })
        return any.length > 0 || options.waitMs === 0
          ? any
          : Promise.race([session.receive(options), transport.receive(options)])
      },
    }),
  }),
  'gives messages of held sessions to anybody': (setup) => {
    const held = new Map<string, Delivery>()
    const sessions = new Set<SessionTransport>()
    return fault({
      session(session) {
        sessions.add(session)
        return {}
      },
      transport: ({ receive }) => ({
        async receive(options) {
          const [first] = [...sessions]
          const stolen = (await first?.receive({ ...options, waitMs: 0 }).catch(() => [])) ?? []
          if (stolen.length > 0) return stolen
          const found = await receive(options)
          for (const delivery of found) held.set(delivery.message.messageId, delivery)
          const again = [...held.values()].filter(({ message }) => message.sessionId !== undefined)
          return found.length > 0 ? found : again
        },
      }),
    })(setup)
  },
  'names another session': holding(({ sessionId }) => ({ sessionId: `${sessionId}-1` })),
  'accepts the same session again': repeating,
  'holds the session of an aborted wait': accepting(
    (accept) => (options) => Promise.race([accept({ ...options, signal: never }), onAbort(options.signal)]),
  ),
  'lets two hold one session': sharing,
  'keeps a session after its close': holding(() => ({ close: done })),
  'closes a session only once': holding(({ close }) => {
    let isClosed = false
    return {
      async close() {
        if (isClosed) throw new Error('The session is closed already.')
        isClosed = true
        await close()
      },
    }
  }),
  'holds sessions for ever': holdingForEver,
  'serves a former holder': serving,
  'renews a session that is lost': holding((session) => ({
    renewLock: () => session.renewLock().catch(() => session.lockedUntil),
  })),
  'renews no session': holding((session) => ({ renewLock: async () => session.lockedUntil })),
  'shows the lock of a session as it was': holding(({ lockedUntil }) => ({ lockedUntil })),
  'frees the session of the new holder': freeing,
}
