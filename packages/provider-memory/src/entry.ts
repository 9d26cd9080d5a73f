import type { Place } from './heap.ts'
import type { DeadLettered, RawMessage } from './stored-message.ts'

/** The lock of one delivery; its identity is what tells that delivery from the others. Until `until`, exclusive. */
export interface Lock {
  until: number
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
  ready: Place<Entry> | undefined
  timed: Place<Entry> | undefined
}

export const unfiled = (): Filed => ({ position: 0, due: Number.POSITIVE_INFINITY, ready: undefined, timed: undefined })

/** Its id as others see it. */
export const brokerIdOf = ({ sequenceNumber }: Entry): string => String(sequenceNumber)
