import type { DeadLetterOptions, ServiceBusReceivedMessage, ServiceBusReceiver } from '@azure/service-bus'
import { type DeadLetterReason, isQueueError, type QueueError } from '@queue-runtime/core'
import type { Delivery } from '@queue-runtime/core/provider'
import { lockLost, type Place, unsupported } from './errors.ts'
import { type Origin, toIncoming } from './incoming.ts'
import { MAX_REASON_LENGTH } from './limits.ts'

/** How long something is held; `until` is a moment of the local clock. */
export interface Lock {
  until: number
}

/** What settles messages: a receiver of the SDK, or what stands in for one. */
export type Settler = Pick<ServiceBusReceiver, 'completeMessage' | 'abandonMessage' | 'deadLetterMessage'>

/** What a delivery came with, and is settled through. */
export interface Carrier {
  readonly queue: string
  readonly origin: Origin
  /** Of the message, or of its session. */
  readonly lock: Lock
  /** False once the lock has ended: a broker that is late must not be asked (requirements C10). */
  isHeld(): boolean
  /** The error of a lock that has ended. */
  gone(place: Place): QueueError
  settle(place: Place, isCompletion: boolean, act: (settler: Settler) => Promise<void>): Promise<void>
  /** Resolves with the new end of the lock. */
  renew(place: Place): Promise<Date>
  /** Told before a delivery goes back to the queue. */
  onAbandon?(delivery: Delivery): Promise<void>
  /** Told once, when it is held no longer. */
  onEnd?(): void
}

const isAnyOf = (error: unknown, ...codes: readonly string[]): boolean =>
  isQueueError(error) && codes.includes(error.code)

/** One delivery of a message that was received just now. */
export function createDelivery(raw: ServiceBusReceivedMessage, carrier: Carrier): Delivery {
  const { queue, origin, lock } = carrier
  const message = toIncoming(raw, origin, lock)
  const { messageId } = message
  let isOver = false
  /** What was asked for, and may have been done: the answer got lost. */
  let unsure: string | undefined

  const end = (): void => {
    if (isOver) return
    isOver = true
    carrier.onEnd?.()
  }

  const assertHeld = (place: Place): void => {
    if (isOver) throw lockLost(place)
    if (carrier.isHeld()) return
    end()
    throw carrier.gone(place)
  }

  const placeOf = (operation: string): Place => {
    const place = { queue, operation, messageId }
    assertHeld(place)
    return place
  }

  const settle = async (operation: string, act: (settler: Settler) => Promise<void>): Promise<void> => {
    const place = placeOf(operation)
    const isRepeated = unsure === operation
    try {
      await carrier.settle(place, operation === 'complete', async (settler) => {
        assertHeld(place)
        await act(settler)
      })
    } catch (error) {
      if (isAnyOf(error, 'ConnectionFailed', 'Timeout')) unsure = operation
      if (!isAnyOf(error, 'MessageLockLost', 'SessionLockLost')) throw error
      // Nobody else could take it while the lock lasts: the first attempt did it.
      const isDone = isRepeated && isAnyOf(error, 'MessageLockLost') && carrier.isHeld()
      end()
      if (!isDone) throw error
    }
    end()
  }

  const bury = ({ reason, description }: DeadLetterReason): DeadLetterOptions => {
    const deadLetterReason = reason.slice(0, MAX_REASON_LENGTH)
    const deadLetterErrorDescription = description?.slice(0, MAX_REASON_LENGTH)
    // Its type wants a description, and an empty one would be there on the other side.
    return { deadLetterReason, deadLetterErrorDescription } as DeadLetterOptions
  }

  const delivery: Delivery = {
    message,
    complete: () => settle('complete', (settler) => settler.completeMessage(raw)),
    async abandon() {
      placeOf('abandon')
      await carrier.onAbandon?.(delivery)
      await settle('abandon', (settler) => settler.abandonMessage(raw))
    },
    async deadLetter(reason) {
      const place = placeOf('deadLetter')
      if (origin.isDeadLetters) throw unsupported('dead-letter', 'It is a dead letter already; it stays.', place)
      await settle('deadLetter', (settler) => settler.deadLetterMessage(raw, { ...bury(reason) }))
    },
    async renewLock() {
      const place = placeOf('renewLock')
      try {
        const lockedUntil = await carrier.renew(place)
        lock.until = lockedUntil.getTime()
        return new Date(lock.until)
      } catch (error) {
        if (isAnyOf(error, 'MessageLockLost', 'SessionLockLost')) end()
        throw error
      }
    },
  }
  return delivery
}
