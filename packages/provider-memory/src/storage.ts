import type { DeadLetterReason } from '@queue-runtime/core'
import { brokerIdOf, type Entry, type Lock, unfiled } from './entry.ts'
import { createLane, type Lane } from './lane.ts'
import type { BrokerSettings } from './options.ts'
import { copyContent, type RawMessage } from './stored-message.ts'

/** The messages of a queue and its dead letters, and what becomes of them. `now` is the moment of each change. */
export interface Storage {
  readonly messages: Lane
  readonly deadLetters: Lane
  /** Looks in both lanes. */
  find(brokerMessageId: string): Entry | undefined
  /** Stores a copy behind all others. */
  add(message: RawMessage, now: number): Entry
  /** Edits a message where it stands. A lock stays with its holder. */
  replace(entry: Entry, change: Partial<RawMessage>, now: number): void
  discard(entry: Entry): void
  /** Locks the first message of a lane that may be received, and counts the delivery. */
  lockFirst(lane: Lane, now: number): { readonly entry: Entry; readonly lock: Lock } | undefined
  renew(entry: Entry, lock: Lock, now: number): void
  /** Gives a locked message back, to its old place; it may be received from `visibleAt` on. */
  release(entry: Entry, visibleAt: number, now: number): void
  /** Makes it a dead letter. */
  bury(entry: Entry, reason: DeadLetterReason, now: number): void
  /** Lets happen what was due, each at its own moment: it makes no difference when somebody looks. */
  catchUp(now: number): void
}

const EXPIRED: DeadLetterReason = { reason: 'TTLExpiredException', description: 'The time to live is over.' }
const EXHAUSTED: DeadLetterReason = {
  reason: 'MaxDeliveryCountExceeded',
  description: 'The message came back from its last delivery.',
}

export function createStorage(queue: string, settings: BrokerSettings): Storage {
  const messages = createLane()
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

  const discard = (entry: Entry): void => {
    entry.lock = null
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
    entry.lock = null
    const end = endOf(entry, now)
    if (end === undefined) laneOf(entry).file(entry, now)
    else if (settings.deadLetter) bury(entry, end, now)
    else discard(entry)
  }

  return {
    messages,
    deadLetters,
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
      const lock: Lock = { until: now + settings.lockMs }
      entry.lock = lock
      entry.deliveryCount += 1
      lane.file(entry, now)
      return { entry, lock }
    },
    renew(entry, lock, now) {
      lock.until = now + settings.lockMs
      laneOf(entry).file(entry, now)
    },
    release(entry, visibleAt, now) {
      entry.visibleAt = visibleAt
      settle(entry, now)
    },
    bury,
    catchUp(now) {
      for (const lane of [messages, deadLetters]) {
        for (let entry = lane.firstDue(now); entry !== undefined; entry = lane.firstDue(now)) {
          settle(entry, entry.filed.due)
        }
      }
    },
  }
}
