import { decodeMessage } from './amqp/rhea.ts'
import { type AmqpMap, mapOf } from './amqp/values.ts'
import { wireMessage } from './amqp/wire-message.ts'
import type { Entry } from './store/entry.ts'

/** A message as it lies in the queue, for tests to look at. Moments that are not known or never come are undefined. */
export interface StoredMessage {
  readonly sequenceNumber: number
  readonly messageId: string | undefined
  readonly sessionId: string | undefined
  readonly state: 'active' | 'locked' | 'deferred' | 'scheduled'
  /** How many deliveries failed. */
  readonly deliveryCount: number
  readonly enqueuedAt: Date
  readonly expiresAt: Date | undefined
  readonly scheduledAt: Date | undefined
  readonly lockedUntil: Date | undefined
  readonly applicationProperties: AmqpMap
  /** The data section of the body; undefined for a body of another kind. */
  readonly body: Uint8Array | undefined
}

const dateOf = (moment: number | undefined): Date | undefined =>
  moment === undefined || !Number.isFinite(moment) ? undefined : new Date(moment)

export function snapshot(entry: Entry): StoredMessage {
  const { content, lock } = entry
  const message = decodeMessage(wireMessage(entry, undefined))
  const { content: body } = mapOf(message.body)
  return {
    sequenceNumber: entry.sequenceNumber,
    messageId: content.messageId,
    sessionId: content.sessionId,
    state: lock === null ? entry.state : 'locked',
    deliveryCount: entry.deliveryCount,
    enqueuedAt: new Date(entry.enqueuedAt),
    expiresAt: dateOf(entry.expiresAt),
    scheduledAt: dateOf(content.scheduledAt),
    lockedUntil: dateOf(lock?.hold?.until ?? lock?.until),
    applicationProperties: { ...mapOf(message.application_properties) },
    body: Buffer.isBuffer(body) ? new Uint8Array(body) : undefined,
  }
}
