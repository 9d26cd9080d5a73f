import type { Delivery } from '@queue-runtime/core/provider'
import { sessionLocked, sessionLockLost } from './errors.ts'
import { isHeld, type Session, type SessionLock } from './session.ts'
import { type Counter, createSource, type Source } from './source.ts'
import type { Storage } from './storage.ts'
import { type Line, serveLine, type Waiter } from './waiting-room.ts'

/** A session and the messages of it. Once its lock is gone all but `end` throw SessionLockLost. */
export interface HeldSession extends Source {
  readonly sessionId: string
  readonly lockedUntil: Date
  renew(): void
  /** Frees the session and gives its messages back. Does nothing where the lock is gone: the session may be another's by now. */
  end(): void
}

/** Where sessions are given to who asks for them. */
export interface SessionDesk {
  /**
   * Takes the lock of a session: that of `sessionId`, or the first that is free and has a message to receive.
   * @throws SessionLocked where somebody else holds the session of that id
   */
  accept(sessionId: string | undefined): HeldSession | undefined
  /** Stands in line for the next session that is free and has a message to receive. */
  wait(waitMs: number): Waiter<HeldSession>
  readonly waiting: Line<HeldSession>
  /** Gives what came to those who wait in a session; those whose session is no longer theirs fail. */
  serve(now: number): void
}

export function createSessionDesk(queue: string, storage: Storage, counter: Counter): SessionDesk {
  const { change, join, openLine } = counter
  const waiting = openLine<HeldSession>()
  /** Those who wait for the messages of each session that is held. */
  const readersOf = new Map<Session, { readonly lock: SessionLock; readonly line: Line<Delivery[]> }>()

  const hold = (session: Session, now: number): HeldSession => {
    const lock = storage.lockSession(session, now)
    const line = openLine<Delivery[]>()
    readersOf.set(session, { lock, line })

    const assertHeld = (operation: string): void => {
      if (!isHeld(lock)) throw sessionLockLost(queue, operation)
    }

    const { take, wait } = createSource(counter, line, (moment) => {
      assertHeld('receive')
      return storage.lockNext(lock, moment)
    })

    return {
      sessionId: session.id,
      get lockedUntil() {
        return new Date(lock.until)
      },
      take,
      wait,
      renew: () =>
        change((_, moment) => {
          assertHeld('renewLock')
          storage.renewSession(lock, moment)
        }),
      end: () =>
        change((_, moment) => {
          if (isHeld(lock)) storage.releaseSession(lock, moment)
        }),
    }
  }

  const holdFirst = (now: number): HeldSession | undefined => {
    const session = storage.sessions.firstHead()?.filed.session
    return session && hold(session, now)
  }

  const holdNamed = (sessionId: string, now: number): HeldSession => {
    const session = storage.sessions.open(sessionId)
    if (session.heldBy !== null) throw sessionLocked(queue, session.heldBy.until)
    return hold(session, now)
  }

  const serveSession = (session: Session, now: number): void => {
    const readers = readersOf.get(session)
    if (readers === undefined) return
    const { lock, line } = readers
    if (isHeld(lock)) {
      serveLine(line, now)
    } else {
      readersOf.delete(session)
      for (let next = line.first(); next !== undefined; next = line.first()) {
        next.fail(sessionLockLost(queue, 'receive'))
      }
    }
  }

  return {
    accept: (sessionId) => change((_, now) => (sessionId === undefined ? holdFirst(now) : holdNamed(sessionId, now))),
    wait: (waitMs) => join(waiting, waitMs, holdFirst),
    waiting,
    serve(now) {
      for (const session of storage.sessions.takeUpdated()) serveSession(session, now)
    },
  }
}
