import type { DeadLetterReason, ReceivedMessage, RejectedMessage } from '@queue-runtime/core'
import type { StoredCopy } from '../broker/copies.ts'
import type { BrokerObserver } from '../broker/watched-provider.ts'
import type { Place } from '../place.ts'

/** Somebody who is told what happens to messages. */
export interface Observer extends Partial<BrokerObserver> {
  /** A bot's handler got a message, and took `bytes` for its body. */
  read?(place: Place, message: ReceivedMessage, bytes: Uint8Array): void
  /** A bot's client refused a message. */
  rejected?(place: Place, rejected: RejectedMessage): void
}

/** Tells all of them, in order. */
export const tellAll = (observers: readonly Observer[]): Required<Observer> => ({
  stored(copy: StoredCopy) {
    for (const observer of observers) observer.stored?.(copy)
  },
  completed(copy: StoredCopy) {
    for (const observer of observers) observer.completed?.(copy)
  },
  dead(copy: StoredCopy, reason: DeadLetterReason) {
    for (const observer of observers) observer.dead?.(copy, reason)
  },
  read(place, message, bytes) {
    for (const observer of observers) observer.read?.(place, message, bytes)
  },
  rejected(place, rejected) {
    for (const observer of observers) observer.rejected?.(place, rejected)
  },
})

/** Tells somebody for as long as that is wanted. */
export const tellWhile = (isWanted: () => boolean, observer: Required<Observer>): Required<Observer> => ({
  stored: (copy) => isWanted() && observer.stored(copy),
  completed: (copy) => isWanted() && observer.completed(copy),
  dead: (copy, reason) => isWanted() && observer.dead(copy, reason),
  read: (place, message, bytes) => isWanted() && observer.read(place, message, bytes),
  rejected: (place, rejected) => isWanted() && observer.rejected(place, rejected),
})
