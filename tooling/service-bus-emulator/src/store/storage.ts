import { randomUUID } from 'node:crypto'
import { createDuplicates } from './duplicates.ts'
import type { Content, Entry, Hold, Lock, Properties } from './entry.ts'
import { createLane, type Lane } from './lane.ts'
import { createSessions, type Sessions } from './sessions.ts'
import type { QueueSettings } from './settings.ts'

/** The messages of a queue and its dead letters, and what becomes of them. `now` is the moment of each change. */
export interface Storage {
  readonly messages: Lane
  readonly deadLetters: Lane
  readonly sessions: Sessions
  /** Stores a message behind all others, or drops it as a duplicate; returns its sequence number, or that of its twin. */
  add(content: Content, now: number): number
  locked(token: string): Entry | undefined
  lock(entry: Entry, hold: Hold | undefined, now: number): Lock
  renew(entry: Entry, now: number): void
  /** Ends the delivery and gives the message back, to its old place. A failure counts against `maxDeliveryCount`. */
  giveBack(entry: Entry, ended: 'failed' | 'released', properties: Properties, now: number): void
  /** Lays a locked message aside: only its sequence number brings it back. */
  defer(entry: Entry, properties: Properties, now: number): void
  /** Makes it a dead letter. */
  bury(entry: Entry, properties: Properties): void
  discard(entry: Entry): void
  /** Ends the lock of a session and all deliveries under it. */
  unlockSession(hold: Hold, ended: 'failed' | 'released', now: number): void
  /** Lets happen what was due, each at its own moment: it makes no difference when somebody looks. */
  catchUp(now: number): void
}

const reason = (name: string, text: string): Properties => ({
  DeadLetterReason: name,
  DeadLetterErrorDescription: text,
})
const EXPIRED = reason('TTLExpiredException', 'The message expired and was dead lettered.')
const EXHAUSTED = reason('MaxDeliveryCountExceeded', 'Message could not be consumed within the maximum of deliveries.')

export function createStorage(settings: QueueSettings): Storage {
  const messages = createLane({ hasSessions: settings.requiresSession })
  const deadLetters = createLane({ hasSessions: false })
  const sessions = createSessions()
  const duplicates = createDuplicates(settings.duplicateDetectionMs)
  const byToken = new Map<string, Entry>()
  let lastSequenceNumber = 0

  const nextSequenceNumber = (): number => {
    lastSequenceNumber += 1
    return lastSequenceNumber
  }

  const laneOf = ({ isDeadLetter }: Entry): Lane => (isDeadLetter ? deadLetters : messages)

  const expiryOf = ({ timeToLiveMs = Number.POSITIVE_INFINITY }: Content, since: number): number =>
    since + Math.min(timeToLiveMs, settings.timeToLiveMs)

  const unlock = (entry: Entry): void => {
    if (entry.lock === null) return
    byToken.delete(entry.lock.token)
    entry.lock.hold?.entries.delete(entry)
    entry.lock = null
  }

  const discard = (entry: Entry): void => {
    unlock(entry)
    laneOf(entry).remove(entry)
  }

  const amend = (entry: Entry, properties: Properties): void => {
    entry.properties = { ...entry.properties, ...properties }
  }

  const bury = (entry: Entry, properties: Properties): void => {
    discard(entry)
    amend(entry, properties)
    entry.isDeadLetter = true
    entry.state = 'active'
    entry.expiresAt = Number.POSITIVE_INFINITY
    deadLetters.add(entry)
  }

  /** Puts a message that nobody holds where it belongs. */
  const settle = (entry: Entry, now: number): void => {
    const isExpired = now >= entry.expiresAt
    const isExhausted = !entry.isDeadLetter && entry.deliveryCount >= settings.maxDeliveryCount
    if (isExpired && !settings.deadLetterOnExpiration) discard(entry)
    else if (isExpired) bury(entry, EXPIRED)
    else if (isExhausted) bury(entry, EXHAUSTED)
    else laneOf(entry).file(entry)
  }

  const giveBack: Storage['giveBack'] = (entry, ended, properties, now) => {
    unlock(entry)
    amend(entry, properties)
    if (ended === 'failed') entry.deliveryCount += 1
    settle(entry, now)
  }

  /** A scheduled message joins the queue as if it were sent now. */
  const activate = (entry: Entry, now: number): void => {
    messages.remove(entry)
    entry.sequenceNumber = nextSequenceNumber()
    entry.state = 'active'
    entry.enqueuedAt = now
    messages.add(entry)
  }

  const unlockSession: Storage['unlockSession'] = (hold, ended, now) => {
    sessions.unlock(hold)
    for (const entry of [...hold.entries]) giveBack(entry, ended, {}, now)
  }

  const whenDue = (entry: Entry, now: number): void => {
    if (entry.lock !== null) giveBack(entry, 'failed', {}, now)
    else if (entry.state === 'scheduled') activate(entry, now)
    else settle(entry, now)
  }

  const whenSessionIsDue = (hold: Hold, now: number): void => {
    unlockSession(hold, 'failed', now)
    hold.onLost()
  }

  return {
    messages,
    deadLetters,
    sessions,
    add(content, now) {
      const twin = content.messageId === undefined ? undefined : duplicates.find(content.messageId, now)
      if (twin !== undefined) return twin
      const { scheduledAt = now } = content
      const entry: Entry = {
        sequenceNumber: nextSequenceNumber(),
        content,
        state: scheduledAt > now ? 'scheduled' : 'active',
        enqueuedAt: now,
        expiresAt: expiryOf(content, Math.max(now, scheduledAt)),
        deliveryCount: 0,
        lock: null,
        properties: {},
        isDeadLetter: false,
        ready: undefined,
      }
      messages.add(entry)
      if (content.messageId !== undefined) duplicates.remember(content.messageId, entry.sequenceNumber, now)
      return entry.sequenceNumber
    },
    locked: (token) => byToken.get(token),
    lock(entry, hold, now) {
      const lock: Lock = { token: randomUUID(), hold, until: hold?.until ?? now + settings.lockDurationMs }
      entry.lock = lock
      byToken.set(lock.token, entry)
      hold?.entries.add(entry)
      laneOf(entry).file(entry)
      return lock
    },
    renew(entry, now) {
      if (entry.lock === null) return
      entry.lock.until = now + settings.lockDurationMs
      laneOf(entry).file(entry)
    },
    giveBack,
    defer(entry, properties, now) {
      unlock(entry)
      amend(entry, properties)
      entry.state = 'deferred'
      settle(entry, now)
    },
    bury,
    discard,
    unlockSession,
    catchUp(now) {
      // A message that falls due while its session is locked waits for that session: the earlier of both goes first.
      for (;;) {
        const message = messages.agenda.next()
        const session = sessions.agenda.next()
        if (Math.min(message, session) > now) break
        if (message <= session) {
          const due = messages.agenda.takeDue(now)
          if (due !== undefined) whenDue(due.who, due.moment)
        } else {
          const due = sessions.agenda.takeDue(now)
          if (due !== undefined) whenSessionIsDue(due.who, due.moment)
        }
      }
      for (let due = deadLetters.agenda.takeDue(now); due !== undefined; due = deadLetters.agenda.takeDue(now)) {
        whenDue(due.who, due.moment)
      }
    },
  }
}
