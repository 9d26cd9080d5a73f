import type { Place } from './heap.ts'

/** A message as its sender wrote it. The store reads these fields and never looks into the payload. */
export interface Content {
  readonly messageId: string | undefined
  readonly sessionId: string | undefined
  readonly timeToLiveMs: number | undefined
  /** Milliseconds since 1970; undefined or past: at once. */
  readonly scheduledAt: number | undefined
  /** The encoded message. */
  readonly payload: Uint8Array
}

/** What receivers added to the application properties of a message. */
export type Properties = Readonly<Record<string, unknown>>

/** The claim of one receiver to one delivery; exclusive until `until`. In a session it lives as long as the hold. */
export interface Lock {
  /** A UUID. */
  readonly token: string
  readonly hold: Hold | undefined
  until: number
}

/** The claim of one receiver to a session. */
export interface Hold {
  readonly sessionId: string
  /** Who has it: the name of a link. */
  readonly owner: string
  until: number
  isLost: boolean
  /** What was delivered under it and is not settled yet. */
  readonly entries: Set<Entry>
  /** Called once, when the lock runs out. */
  readonly onLost: () => void
}

/** What the broker keeps of one message. Moments are milliseconds since 1970; Infinity is never. */
export interface Entry {
  /** Its rank in the queue. A scheduled message gets a new one when it becomes active. */
  sequenceNumber: number
  readonly content: Content
  state: 'active' | 'deferred' | 'scheduled'
  enqueuedAt: number
  expiresAt: number
  /** How many deliveries failed: locks that ran out, and abandons. */
  deliveryCount: number
  lock: Lock | null
  properties: Properties
  isDeadLetter: boolean
  /** Its place among those that can be received; written by the lane alone. */
  ready: Place<Entry> | undefined
}
