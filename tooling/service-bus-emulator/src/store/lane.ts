import { type Agenda, createAgenda } from './agenda.ts'
import type { Entry } from './entry.ts'
import { createHeap, type Heap } from './heap.ts'

/** Messages by sequence number: those of a queue, or its dead letters. One line for each session, or one for all. */
export interface Lane {
  readonly size: number
  /** Those which time changes. */
  readonly agenda: Agenda<Entry>
  get(sequenceNumber: number): Entry | undefined
  /** All of them, by sequence number. */
  entries(): Entry[]
  add(entry: Entry): void
  remove(entry: Entry): void
  /** Files a message of this lane anew, after its state, its lock or a moment changed. */
  file(entry: Entry): void
  /** The first that may be received: of `line` where the lane has sessions, else of all. */
  firstReady(line: string): Entry | undefined
  /** The lines in which a message may be received. */
  readyLines(): Iterable<string>
}

/** The line of messages without sessions. */
export const ONE_LINE = ''

const dueOf = ({ lock, state, content, expiresAt }: Entry): number => {
  // Under a session it is the session that runs out.
  if (lock !== null) return lock.hold === undefined ? lock.until : Number.POSITIVE_INFINITY
  return state === 'scheduled' ? (content.scheduledAt ?? 0) : expiresAt
}

export function createLane({ hasSessions }: { readonly hasSessions: boolean }): Lane {
  const bySequence = new Map<number, Entry>()
  const lines = new Map<string, Heap<Entry>>()
  const agenda = createAgenda<Entry>()

  const lineOf = ({ content }: Entry): string => (hasSessions ? (content.sessionId ?? ONE_LINE) : ONE_LINE)

  const heapOf = (line: string): Heap<Entry> => {
    const known = lines.get(line)
    if (known !== undefined) return known
    const heap = createHeap<Entry>((a, b) => a.sequenceNumber < b.sequenceNumber)
    lines.set(line, heap)
    return heap
  }

  const unready = (entry: Entry): void => {
    if (entry.ready === undefined) return
    const line = lineOf(entry)
    const heap = heapOf(line)
    heap.delete(entry.ready)
    entry.ready = undefined
    if (heap.size === 0) lines.delete(line)
  }

  const file = (entry: Entry): void => {
    unready(entry)
    if (entry.state === 'active' && entry.lock === null) entry.ready = heapOf(lineOf(entry)).add(entry)
    agenda.set(entry, dueOf(entry))
  }

  return {
    get size() {
      return bySequence.size
    },
    agenda,
    get: (sequenceNumber) => bySequence.get(sequenceNumber),
    entries: () => [...bySequence.values()].sort((a, b) => a.sequenceNumber - b.sequenceNumber),
    add(entry) {
      bySequence.set(entry.sequenceNumber, entry)
      file(entry)
    },
    remove(entry) {
      bySequence.delete(entry.sequenceNumber)
      unready(entry)
      agenda.set(entry, Number.POSITIVE_INFINITY)
    },
    file,
    firstReady: (line) => lines.get(line)?.first(),
    readyLines: () => lines.keys(),
  }
}
