import type { Delivery, IncomingMessage } from '@queue-runtime/core/provider'
import { brokerIdOf, type Entry, type Lock } from './entry.ts'
import type { Holder } from './holder.ts'
import { copyContent } from './stored-message.ts'

const incoming = (entry: Entry, lock: Lock): IncomingMessage => {
  const { messageId, body, sessionId, correlationId, contentType, attributes = {} } = copyContent(entry.content)
  return {
    ...{ messageId, body, sessionId, correlationId, contentType, attributes },
    brokerMessageId: brokerIdOf(entry),
    deliveryCount: entry.deliveryCount,
    enqueuedAt: new Date(entry.enqueuedAt),
    deadLettered: entry.deadLettered && {
      reason: entry.deadLettered.reason,
      description: entry.deadLettered.description,
    },
    get lockedUntil() {
      return new Date(lock.term.until)
    },
  }
}

/** One delivery under `lock`, with a copy of the message: whatever the application does to it, the broker keeps its own. */
export const createDelivery = (entry: Entry, lock: Lock, holder: Holder): Delivery => ({
  message: incoming(entry, lock),
  async complete() {
    holder.complete(entry, lock)
  },
  async abandon({ delayMs }) {
    holder.abandon(entry, lock, delayMs)
  },
  async deadLetter(reason) {
    holder.deadLetter(entry, lock, reason)
  },
  async renewLock() {
    holder.renew(entry, lock)
    return new Date(lock.term.until)
  },
})
