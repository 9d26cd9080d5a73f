import type { DeadLetterReason } from '@queue-runtime/core'
import { brokerIdOf, type Entry, type Lock, unfiled } from './entry.ts'
import { createLane, type Lane } from './lane.ts'
import type { BrokerSettings } from './options.ts'
import { createSessions, nextOf, type Session, type SessionLock, type Sessions } from './session.ts'
import { copyContent, type RawMessage } from './stored-message.ts'

/** A message and the lock under which it is handed out. */
export interface Locked {
  readonly entry: Entry
  readonly lock: Lock
}

/** The messages of a queue and its dead letters, and what becomes of them. `now` is the moment of each change. */
export interface Storage {
  readonly messages: Lane
  readonly deadLetters: Lane
  readonly sessions: Sessions
  /** Looks in both lanes. */
  find(brokerMessageId: string): Entry | undefined
  /** Stores a copy behind all others. */
  add(message: RawMessage, now: number): Entry
  /** Edits a message where it stands. A lock stays with its holder. */
  replace(entry: Entry, change: Partial<RawMessage>, now: number): void
  discard(entry: Entry): void
  /** Locks the first message of a lane that may be received, and counts the delivery. */
  lockFirst(lane: Lane, now: number): Locked | undefined
  /** The same for whoever holds a session. */
  lockNext(sessionLock: SessionLock, now: number): Locked | undefined
  renew(entry: Entry, lock: Lock, now: number): void
  /** Gives a locked message back, to its old place; it may be received from `visibleAt` on. */
  release(entry: Entry, visibleAt: number, now: number): void
  /** Makes it a dead letter. */
  bury(entry: Entry, reason: DeadLetterReason, now: number): void
  /** Takes the lock of a free session. */
  lockSession(session: Session, now: number): SessionLock
  renewSession(sessionLock: SessionLock, now: number): void
  /** Frees a session and gives back what was in flight in it. */
  releaseSession(sessionLock: SessionLock, now: number): void
  /** Lets happen what was due, each at its own moment: it makes no difference when somebody looks. */
  catchUp(now: number): void
  /** The next moment at which something will be due; Infinity where there is none. */
  nextDue(): number
}

const EXPIRED: DeadLetterReason = { reason: 'TTLExpiredException', description: 'The time to live is over.' }
const EXHAUSTED: DeadLetterReason = {
  reason: 'MaxDeliveryCountExceeded',
  description: 'The message came back from its last delivery.',
}

export function createStorage(queue: string, settings: BrokerSettings): Storage {
  const sessions = createSessions()
  const messages = createLane(sessions)
  const deadLetters = createLane()
  let lastSequenceNumber = 0

  const laneOf = ({ deadLettered }: Entry): Lane => (deadLettered === undefined ? messages : deadLetters)

  /** The time to live begins when the message may first be received. */
  const momentsOf = (
    { deliverAt, timeToLiveMs = settings.timeToLiveMs }: RawMessage,
    enqueuedAt: number,
  ): Pick<Entry, 'visibleAt' | 'expiresAt'> => {
    const visibleAt = Math.max(enqueuedAt, deliverAt?.getTime() ?? enqueuedAt)
    return { visibleAt, expiresAt: visibleAt + timeToLiveMs }
  }

  const unlock = (entry: Entry): void => {
    const { lock } = entry
    const { session } = entry.filed
    entry.lock = null
    if (lock === null) return
    if (lock.sessionLock !== undefined) lock.sessionLock.inFlight.delete(entry)
    else if (session?.heldBy === lock.term) session.heldBy = null
  }

  const discard = (entry: Entry): void => {
    unlock(entry)
    laneOf(entry).delete(entry)
  }

  const bury = (entry: Entry, { reason, description }: DeadLetterReason, now: number): void => {
    discard(entry)
    entry.deadLettered = { reason, description, queue, at: new Date(now) }
    entry.visibleAt = now
    entry.expiresAt = Number.POSITIVE_INFINITY
    deadLetters.add(entry, now)
  }

  const endOf = ({ deadLettered, expiresAt, deliveryCount }: Entry, now: number): DeadLetterReason | undefined => {
    if (deadLettered !== undefined) return undefined
    if (now >= expiresAt) return EXPIRED
    return settings.deadLetter && deliveryCount >= settings.maxDeliveryCount ? EXHAUSTED : undefined
  }

  /** Puts a message that nobody holds where it belongs. */
  const settle = (entry: Entry, now: number): void => {
    unlock(entry)
    const end = endOf(entry, now)
    if (end === undefined) laneOf(entry).file(entry, now)
    else if (settings.deadLetter) bury(entry, end, now)
    else discard(entry)
  }

  const hand = (entry: Entry, lock: Lock, now: number): Locked => {
    entry.lock = lock
    entry.deliveryCount += 1
    laneOf(entry).file(entry, now)
    return { entry, lock }
  }

  const releaseSession = (sessionLock: SessionLock, now: number): void => {
    sessions.unlock(sessionLock)
    const entries = [...sessionLock.inFlight].sort((a, b) => a.filed.position - b.filed.position)
    for (const entry of entries) settle(entry, now)
  }

  const nextDue = (): number => Math.min(sessions.nextLapse(), messages.nextDue(), deadLetters.nextDue())

  /** Lets all happen that is due at one moment: sessions lapse before anything becomes of single messages. */
  const passMoment = (moment: number): void => {
    for (let lock = sessions.firstLapsed(moment); lock !== undefined; lock = sessions.firstLapsed(moment)) {
      releaseSession(lock, moment)
    }
    for (const lane of [messages, deadLetters]) {
      for (let entry = lane.firstDue(moment); entry !== undefined; entry = lane.firstDue(moment)) settle(entry, moment)
    }
  }

  return {
    messages,
    deadLetters,
    sessions,
    find(brokerMessageId) {
      const number = Number(brokerMessageId)
      const entry = messages.get(number) ?? deadLetters.get(number)
      return entry !== undefined && brokerIdOf(entry) === brokerMessageId ? entry : undefined
    },
    add(message, now) {
      lastSequenceNumber += 1
      const entry: Entry = {
        sequenceNumber: lastSequenceNumber,
        enqueuedAt: now,
        content: copyContent(message),
        ...momentsOf(message, now),
        deliveryCount: 0,
        lock: null,
        deadLettered: undefined,
        filed: unfiled(),
      }
      messages.add(entry, now)
      return entry
    },
    replace(entry, change, now) {
      entry.content = copyContent({ ...entry.content, ...change })
      const isTimeChanged = 'deliverAt' in change || 'timeToLiveMs' in change
      if (isTimeChanged && entry.deadLettered === undefined) {
        Object.assign(entry, momentsOf(entry.content, entry.enqueuedAt))
      }
      if (entry.lock === null) settle(entry, now)
    },
    discard,
    lockFirst(lane, now) {
      const entry = lane.firstReady()
      if (entry === undefined) return undefined
      const lock: Lock = { term: { until: now + settings.lockMs }, sessionLock: undefined }
      if (entry.filed.session !== undefined) entry.filed.session.heldBy = lock.term
      return hand(entry, lock, now)
    },
    lockNext(sessionLock, now) {
      const entry = nextOf(sessionLock.session)
      if (entry === undefined) return undefined
      sessionLock.inFlight.add(entry)
      return hand(entry, { term: sessionLock, sessionLock }, now)
    },
    renew(entry, { term, sessionLock }, now) {
      if (sessionLock !== undefined) return sessions.renew(sessionLock, now + settings.sessionLockMs)
      term.until = now + settings.lockMs
      laneOf(entry).file(entry, now)
    },
    release(entry, visibleAt, now) {
      entry.visibleAt = visibleAt
      settle(entry, now)
    },
    bury,
    lockSession: (session, now) => sessions.lock(session, now + settings.sessionLockMs),
    renewSession: (sessionLock, now) => sessions.renew(sessionLock, now + settings.sessionLockMs),
    releaseSession,
    catchUp(now) {
      for (let moment = nextDue(); moment <= now; moment = nextDue()) passMoment(moment)
    },
    nextDue,
  }
}
