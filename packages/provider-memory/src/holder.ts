import type { DeadLetterReason } from '@queue-runtime/core'
import type { Entry, Lock } from './entry.ts'
import { lockLost, noDeadLetters, sessionLockLost } from './errors.ts'
import type { BrokerSettings } from './options.ts'
import { isHeld } from './session.ts'
import type { Counter } from './source.ts'
import type { Storage } from './storage.ts'

/** What the holder of a lock may ask of the queue. Once the lock is gone each throws MessageLockLost, in a session SessionLockLost. */
export interface Holder {
  complete(entry: Entry, lock: Lock): void
  abandon(entry: Entry, lock: Lock, delayMs: number): void
  deadLetter(entry: Entry, lock: Lock, reason: DeadLetterReason): void
  renew(entry: Entry, lock: Lock): void
}

export function createHolder(queue: string, { deadLetter }: BrokerSettings, change: Counter['change']): Holder {
  const whileHeld = (operation: string, entry: Entry, lock: Lock, act: (storage: Storage, now: number) => void): void =>
    change((storage, now) => {
      const { messageId } = entry.content
      const { sessionLock } = lock
      if (sessionLock !== undefined && !isHeld(sessionLock)) throw sessionLockLost(queue, operation, messageId)
      if (entry.lock !== lock) throw lockLost(queue, messageId, operation)
      act(storage, now)
    })

  return {
    complete: (entry, lock) => whileHeld('complete', entry, lock, (storage) => storage.discard(entry)),
    abandon: (entry, lock, delayMs) =>
      whileHeld('abandon', entry, lock, (storage, now) => storage.release(entry, now + delayMs, now)),
    deadLetter: (entry, lock, reason) =>
      whileHeld('deadLetter', entry, lock, (storage, now) => {
        const isPossible = deadLetter && entry.deadLettered === undefined
        if (!isPossible) throw noDeadLetters(queue, entry.content.messageId)
        storage.bury(entry, reason, now)
      }),
    renew: (entry, lock) => whileHeld('renewLock', entry, lock, (storage, now) => storage.renew(entry, lock, now)),
  }
}
