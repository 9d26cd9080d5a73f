import type { Entry } from './entry.ts'
import { createHeap } from './heap.ts'
import type { Session, Sessions } from './session.ts'

/** Messages in order, with the next one to hand out and the next one that time changes at hand. All in O(log n). */
export interface Lane {
  readonly size: number
  get(sequenceNumber: number): Entry | undefined
  /** All of them, in order. */
  entries(): Iterable<Entry>
  /** Takes a message in, behind all others. */
  add(entry: Entry, now: number): void
  /** Files a message of this lane anew after its content, its lock or its moments changed. Its position stays. */
  file(entry: Entry, now: number): void
  delete(entry: Entry): void
  /** The first that may be received: of a session only while that is free. */
  firstReady(): Entry | undefined
  /** The first whose moment has come: its lock ended, it became visible, or it expired. */
  firstDue(now: number): Entry | undefined
  /** The next such moment; Infinity where there is none. */
  nextDue(): number
}

/** Its lock ends, it becomes visible or it expires, whichever comes next. A locked message does not expire. */
const nextMoment = ({ lock, visibleAt, expiresAt }: Entry, now: number): number => {
  if (lock === null) return visibleAt > now ? Math.min(visibleAt, expiresAt) : expiresAt
  return lock.sessionLock === undefined ? lock.term.until : Number.POSITIVE_INFINITY
}

/** One that never was delivered does not keep those behind it waiting: it was sent to come later than they. */
const isDelaying = ({ lock, visibleAt, deliveryCount }: Entry, now: number): boolean =>
  lock === null && visibleAt > now && deliveryCount > 0

/** `sessions`: those of its messages; without, the lane knows no sessions. */
export function createLane(sessions?: Sessions): Lane {
  const entries = new Map<number, Entry>()
  const loose = createHeap<Entry>((a, b) => a.filed.position < b.filed.position)
  const timed = createHeap<Entry>(({ filed: a }, { filed: b }) =>
    a.due === b.due ? a.position < b.position : a.due < b.due,
  )
  let nextPosition = 0

  const unfile = ({ filed }: Entry): void => {
    const { session } = filed
    if (filed.ready !== undefined) (session?.ready ?? loose).delete(filed.ready)
    if (filed.timed !== undefined) timed.delete(filed.timed)
    if (session !== undefined && filed.isDelaying) session.delaying -= 1
    filed.ready = undefined
    filed.timed = undefined
    filed.isDelaying = false
  }

  const join = ({ filed }: Entry, session: Session | undefined): void => {
    const left = filed.session
    if (left === session) return
    filed.session = session
    if (session !== undefined) session.size += 1
    if (left !== undefined) {
      left.size -= 1
      sessions?.update(left)
    }
  }

  /** A session id without characters is none. */
  const sessionOf = ({ content: { sessionId } }: Entry): Session | undefined =>
    sessionId === undefined || sessionId === '' ? undefined : sessions?.open(sessionId)

  const file = (entry: Entry, now: number): void => {
    const { filed, lock, visibleAt } = entry
    unfile(entry)
    if (lock === null) join(entry, sessionOf(entry))
    const { session } = filed
    filed.due = nextMoment(entry, now)
    filed.isDelaying = isDelaying(entry, now)
    if (lock === null && visibleAt <= now) filed.ready = (session?.ready ?? loose).add(entry)
    if (Number.isFinite(filed.due)) filed.timed = timed.add(entry)
    if (session === undefined) return
    if (filed.isDelaying) session.delaying += 1
    sessions?.update(session)
  }

  const nextDue = (): number => timed.first()?.filed.due ?? Number.POSITIVE_INFINITY

  return {
    get size() {
      return entries.size
    },
    get: (sequenceNumber) => entries.get(sequenceNumber),
    entries: () => entries.values(),
    add(entry, now) {
      entries.set(entry.sequenceNumber, entry)
      entry.filed.position = nextPosition
      nextPosition += 1
      file(entry, now)
    },
    file,
    delete(entry) {
      entries.delete(entry.sequenceNumber)
      unfile(entry)
      join(entry, undefined)
    },
    firstReady() {
      const first = loose.first()
      const head = sessions?.firstHead()
      if (first === undefined || head === undefined) return first ?? head
      return first.filed.position < head.filed.position ? first : head
    },
    firstDue: (now) => (nextDue() <= now ? timed.first() : undefined),
    nextDue,
  }
}
