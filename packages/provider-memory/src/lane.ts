import type { Entry } from './entry.ts'
import { createHeap } from './heap.ts'

/** Messages in order, with the next one to hand out and the next one that time changes at hand. All in O(log n). */
export interface Lane {
  readonly size: number
  get(sequenceNumber: number): Entry | undefined
  /** All of them, in order. */
  entries(): Iterable<Entry>
  /** Takes a message in, behind all others. */
  add(entry: Entry, now: number): void
  /** Files a message of this lane anew after its lock or its moments changed. Its position stays. */
  file(entry: Entry, now: number): void
  delete(entry: Entry): void
  /** The first that may be received. */
  firstReady(): Entry | undefined
  /** The first whose moment has come: its lock ended, it became visible, or it expired. */
  firstDue(now: number): Entry | undefined
  /** The next such moment; Infinity where there is none. */
  nextDue(): number
}

/** Its lock ends, it becomes visible or it expires, whichever comes next. A locked message does not expire. */
const nextMoment = ({ lock, visibleAt, expiresAt }: Entry, now: number): number => {
  if (lock !== null) return lock.until
  return visibleAt > now ? Math.min(visibleAt, expiresAt) : expiresAt
}

export function createLane(): Lane {
  const entries = new Map<number, Entry>()
  const ready = createHeap<Entry>((a, b) => a.filed.position < b.filed.position)
  const timed = createHeap<Entry>(({ filed: a }, { filed: b }) =>
    a.due === b.due ? a.position < b.position : a.due < b.due,
  )
  let nextPosition = 0

  const unfile = ({ filed }: Entry): void => {
    if (filed.ready !== undefined) ready.delete(filed.ready)
    if (filed.timed !== undefined) timed.delete(filed.timed)
    filed.ready = undefined
    filed.timed = undefined
  }

  const file = (entry: Entry, now: number): void => {
    const { filed, lock, visibleAt } = entry
    unfile(entry)
    filed.due = nextMoment(entry, now)
    if (lock === null && visibleAt <= now) filed.ready = ready.add(entry)
    if (Number.isFinite(filed.due)) filed.timed = timed.add(entry)
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
    },
    firstReady: () => ready.first(),
    firstDue: (now) => (nextDue() <= now ? timed.first() : undefined),
    nextDue,
  }
}
