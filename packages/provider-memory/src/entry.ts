import type { Place } from './heap.ts'
import type { Session, SessionLock } from './session.ts'
import type { DeadLettered, RawMessage } from './stored-message.ts'

/** How long something is held: until `until`, exclusive. */
export interface Term {
  until: number
}

/** The lock of one delivery; its identity is what tells that delivery from the others. */
export interface Lock {
  /** Its own, or the lock of the session in which the message was received. */
  readonly term: Term
  readonly sessionLock: SessionLock | undefined
}

/** What the broker keeps of one message. Moments are milliseconds since 1970; Infinity is never. */
export interface Entry {
  /** The broker's own number of it in its queue. */
  readonly sequenceNumber: number
  readonly enqueuedAt: number
  content: RawMessage
  visibleAt: number
  expiresAt: number
  deliveryCount: number
  lock: Lock | null
  deadLettered: DeadLettered | undefined
  /** Where it stands in its lane; written by the lane alone. */
  readonly filed: Filed
}

export interface Filed {
  /** Its rank in the lane, which it keeps while it is locked or waits. */
  position: number
  /** When time next changes something about it. */
  due: number
  /** The session it belongs to. An edit of a message that is locked moves it when it comes back. */
  session: Session | undefined
  /** Whether it keeps its session waiting. */
  isDelaying: boolean
  ready: Place<Entry> | undefined
  timed: Place<Entry> | undefined
}

export const unfiled = (): Filed => ({
  position: 0,
  due: Number.POSITIVE_INFINITY,
  session: undefined,
  isDelaying: false,
  ready: undefined,
  timed: undefined,
})

/** Its id as others see it. */
export const brokerIdOf = ({ sequenceNumber }: Entry): string => String(sequenceNumber)
