import type { ReceivedMessage, RejectedMessage } from '@queue-runtime/core'
import type { StoredMessage } from '@queue-runtime/provider-memory'
import type { QueueName } from '../github/routes.ts'

/** Somebody who is told what happens to messages. */
export interface Observer {
  /** The broker stored a message. */
  stored?(queue: QueueName, message: StoredMessage): void
  /** A bot's handler got a message, and took `bytes` for its body. */
  read?(queue: QueueName, message: ReceivedMessage, bytes: Uint8Array): void
  /** A bot's client refused a message. */
  rejected?(queue: QueueName, rejected: RejectedMessage): void
}

/** Tells all of them, in order. */
export const tellAll = (observers: readonly Observer[]): Required<Observer> => ({
  stored(queue, message) {
    for (const observer of observers) observer.stored?.(queue, message)
  },
  read(queue, message, bytes) {
    for (const observer of observers) observer.read?.(queue, message, bytes)
  },
  rejected(queue, rejected) {
    for (const observer of observers) observer.rejected?.(queue, rejected)
  },
})
