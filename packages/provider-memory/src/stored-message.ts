import type { DeadLetterReason, MessageFields } from '@queue-runtime/core'
import { brokerIdOf, type Entry } from './entry.ts'

/** A message as whoever can write to the broker would make it: nothing of it is checked. */
export interface RawMessage extends MessageFields {
  readonly messageId: string
  readonly body: Uint8Array
  /** What the broker tells duplicates by, where it looks for them. */
  readonly deduplicationId?: string | undefined
}

/** A copy of what the broker stores: a sealed body is sealed here, too. It can be `put` again, as a replay would. */
export interface StoredMessage extends RawMessage {
  /** The broker's own id: the number of the message in its queue. */
  readonly brokerMessageId: string
  /** `scheduled`: it may be received later, since it was sent so or abandoned with a delay. */
  readonly state: 'active' | 'locked' | 'scheduled'
  readonly attributes: Readonly<Record<string, string>>
  /** How often it was delivered so far. */
  readonly deliveryCount: number
  readonly enqueuedAt: Date
  readonly expiresAt: Date | undefined
  readonly lockedUntil: Date | undefined
  readonly deadLettered: DeadLettered | undefined
}

/** Why a message is a dead letter, since when, and of which queue. */
export interface DeadLettered extends DeadLetterReason {
  readonly queue: string
  readonly at: Date
}

/** Copies what a message carries: its bytes are only borrowed, and what is handed out may be written to. */
export const copyContent = (message: RawMessage): RawMessage => ({
  messageId: message.messageId,
  deduplicationId: message.deduplicationId,
  body: new Uint8Array(message.body),
  sessionId: message.sessionId,
  correlationId: message.correlationId,
  contentType: message.contentType,
  attributes: { ...message.attributes },
  timeToLiveMs: message.timeToLiveMs,
  deliverAt: message.deliverAt && new Date(message.deliverAt),
})

const dateOf = (moment: number): Date | undefined => (Number.isFinite(moment) ? new Date(moment) : undefined)

const stateOf = ({ lock, visibleAt }: Entry, now: number): StoredMessage['state'] => {
  if (lock !== null) return 'locked'
  return visibleAt > now ? 'scheduled' : 'active'
}

export const snapshot = (entry: Entry, now: number): StoredMessage => ({
  ...copyContent(entry.content),
  attributes: { ...entry.content.attributes },
  brokerMessageId: brokerIdOf(entry),
  state: stateOf(entry, now),
  deliveryCount: entry.deliveryCount,
  enqueuedAt: new Date(entry.enqueuedAt),
  expiresAt: dateOf(entry.expiresAt),
  lockedUntil: entry.lock === null ? undefined : new Date(entry.lock.term.until),
  deadLettered: entry.deadLettered && { ...entry.deadLettered, at: new Date(entry.deadLettered.at) },
})
