import type { Clock, DeadLetterReason } from '@queue-runtime/core'
import type { Delivery } from '@queue-runtime/core/provider'
import { lockLost } from './errors.ts'
import { type Origin, toIncoming } from './incoming.ts'
import { MAX_VISIBILITY_SECONDS } from './limits.ts'
import type { RawMessage } from './raw-message.ts'
import type { Holding, Settling } from './settling.ts'

/** Copies a message into the dead-letter queue. Rejects where there is none. */
export type Bury = (raw: RawMessage, reason: DeadLetterReason) => Promise<void>

export interface DeliveryParts {
  readonly queue: string
  readonly origin: Origin
  readonly lockMs: number
  readonly clock: Clock
  readonly settling: Settling
  readonly bury: Bury
}

/** One delivery of a message that was received just now. */
export function createDelivery(raw: RawMessage, parts: DeliveryParts): Delivery {
  const { queue, origin, lockMs, clock, settling, bury } = parts
  const receivedAt = clock.now()
  const lock = { until: receivedAt + lockMs }
  const message = toIncoming(raw, origin, lock)
  let isSettled = false

  const isHeld = (): boolean => !isSettled && clock.now() < lock.until

  const holdingFor = (operation: string): Holding => {
    const { messageId } = message
    if (!isHeld()) throw lockLost({ queue, operation, messageId })
    return { receiptHandle: raw.receiptHandle, messageId, operation, isHeld }
  }

  /** SQS holds a message for twelve hours at most, however often that is extended. */
  const secondsLeft = (): number => Math.floor((receivedAt - clock.now()) / 1_000) + MAX_VISIBILITY_SECONDS

  return {
    message,
    async complete() {
      await settling.delete(holdingFor('complete'))
      isSettled = true
    },
    async abandon({ delayMs }) {
      const holding = holdingFor('abandon')
      await settling.hold(holding, Math.min(Math.ceil(delayMs / 1_000), secondsLeft()))
      isSettled = true
    },
    async deadLetter(reason) {
      holdingFor('deadLetter')
      await bury(raw, reason)
      // The lock may have ended meanwhile: then the copy is one too many, and none too few.
      await settling.delete(holdingFor('deadLetter'))
      isSettled = true
    },
    async renewLock() {
      const holding = holdingFor('renewLock')
      const seconds = Math.min(lockMs / 1_000, secondsLeft())
      if (seconds < 1) throw lockLost({ queue, operation: 'renewLock', messageId: message.messageId })
      const askedAt = clock.now()
      await settling.hold(holding, seconds)
      lock.until = askedAt + seconds * 1_000
      return new Date(lock.until)
    },
  }
}
