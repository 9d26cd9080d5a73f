import type { Entry, Term } from './entry.ts'
import { createHeap, type Heap, type Place } from './heap.ts'

/** The messages of one session id. It lives as long as it has messages or somebody holds it. */
export interface Session {
  readonly id: string
  /** Those of its messages that may be received, as far as they themselves are concerned. */
  readonly ready: Heap<Entry>
  /** How many messages it has, in whatever state. */
  size: number
  /** How many of them were given back with a delay that is not over: the others wait, so that their order holds. */
  delaying: number
  /** What it is held by: its own lock, or that of its one message in flight. */
  heldBy: Term | null
  /** The place of its first message among those of the other free sessions. */
  head: Place<Entry> | undefined
}

/** The lock of a session; its deliveries share it. */
export interface SessionLock extends Term {
  readonly session: Session
  /** Rises from lock to lock. */
  readonly number: number
  readonly inFlight: Set<Entry>
  /** Its place among the locks that will end. */
  timed: Place<SessionLock> | undefined
}

export const isHeld = (lock: SessionLock): boolean => lock.session.heldBy === lock

/** The next message that whoever holds the session may have. */
export const nextOf = ({ delaying, ready }: Session): Entry | undefined => (delaying === 0 ? ready.first() : undefined)

/** The sessions of a queue. All in O(log n). */
export interface Sessions {
  /** The session of that id; an empty one where there are no messages. */
  open(id: string): Session
  /** To be called after anything about `session` has changed. */
  update(session: Session): void
  /** The first message, in queue order, that may be received and whose session is free. */
  firstHead(): Entry | undefined
  lock(session: Session, until: number): SessionLock
  renew(lock: SessionLock, until: number): void
  /** Frees the session. */
  unlock(lock: SessionLock): void
  /** The first lock whose end has come. */
  firstLapsed(now: number): SessionLock | undefined
  /** The next such end; Infinity where no session is locked. */
  nextLapse(): number
  /** The sessions that were updated since they were last taken. */
  takeUpdated(): Iterable<Session>
}

const NONE: Iterable<Session> = []

const byPosition = (a: Entry, b: Entry): boolean => a.filed.position < b.filed.position

export function createSessions(): Sessions {
  const sessions = new Map<string, Session>()
  const heads = createHeap<Entry>(byPosition)
  const locks = createHeap<SessionLock>((a, b) => (a.until === b.until ? a.number < b.number : a.until < b.until))
  let updated = new Set<Session>()
  let lastNumber = 0

  const update = (session: Session): void => {
    const { id, head, heldBy, size } = session
    const first = heldBy === null ? nextOf(session) : undefined
    if (head?.item !== first) {
      if (head !== undefined) heads.delete(head)
      session.head = first && heads.add(first)
    }
    if (size === 0 && heldBy === null) sessions.delete(id)
    updated.add(session)
  }

  const stop = (lock: SessionLock): void => {
    if (lock.timed !== undefined) locks.delete(lock.timed)
  }

  const nextLapse = (): number => locks.first()?.until ?? Number.POSITIVE_INFINITY

  return {
    open(id) {
      const known = sessions.get(id)
      if (known !== undefined) return known
      const ready = createHeap<Entry>(byPosition)
      const session: Session = { id, ready, size: 0, delaying: 0, heldBy: null, head: undefined }
      sessions.set(id, session)
      return session
    },
    update,
    firstHead: () => heads.first(),
    lock(session, until) {
      lastNumber += 1
      const lock: SessionLock = { session, until, number: lastNumber, inFlight: new Set(), timed: undefined }
      lock.timed = locks.add(lock)
      session.heldBy = lock
      update(session)
      return lock
    },
    renew(lock, until) {
      stop(lock)
      lock.until = until
      lock.timed = locks.add(lock)
    },
    unlock(lock) {
      stop(lock)
      lock.session.heldBy = null
      update(lock.session)
    },
    firstLapsed: (now) => (nextLapse() <= now ? locks.first() : undefined),
    nextLapse,
    takeUpdated() {
      if (updated.size === 0) return NONE
      const taken = updated
      updated = new Set()
      return taken
    },
  }
}
