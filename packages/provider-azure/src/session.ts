import type { ServiceBusReceivedMessage, ServiceBusSessionReceiver } from '@azure/service-bus'
import { type Clock, isQueueError } from '@queue-runtime/core'
import type { Delivery, SessionTransport } from '@queue-runtime/core/provider'
import { CALL_MS } from './connection.ts'
import { type Carrier, createDelivery } from './delivery.ts'
import { isUndecodable, type Place, sessionLockLost, undecodable } from './errors.ts'
import { createLink } from './link.ts'
import { settlerByToken } from './lock-token.ts'
import type { Draw } from './looking.ts'
import { createReceiver } from './receiver.ts'

interface SessionParts {
  readonly queue: string
  readonly clock: Clock
}

/** The SDK closes a link that does not say within 200 ms that nothing more comes, and the session is lost with it. */
const NEAR_MS = 100

/** How long a look without a wait gives the first message to come, in milliseconds. */
const MIN_WAIT_MS = 250

/** A session under its lock, which ends with its link: nothing opens it anew. */
export function createSession(receiver: ServiceBusSessionReceiver, { queue, clock }: SessionParts): SessionTransport {
  const { sessionId } = receiver
  const lock = { until: receiver.sessionLockedUntilUtc.getTime() }
  const link = createLink(receiver)
  let isLost = false
  /** Of the last settlement, in milliseconds. */
  let roundTripMs = Number.POSITIVE_INFINITY

  const isHeld = (): boolean => !isLost && link.isOpen && clock.now() < lock.until

  /** Makes a call as long as the session is held; a link that breaks takes the lock with it. */
  const whileHeld = async <T>(place: Place, act: () => Promise<T>): Promise<T> => {
    isLost ||= !isHeld()
    if (isLost) throw sessionLockLost(place)
    try {
      return await act()
    } catch (error) {
      isLost ||= isQueueError(error, 'SessionLockLost') || !link.isOpen
      throw isLost ? sessionLockLost(place) : error
    }
  }

  const renew = (place: Place): Promise<Date> =>
    whileHeld(place, async () => {
      const lockedUntil = await link.call(place, CALL_MS, () => receiver.renewSessionLock())
      lock.until = lockedUntil.getTime()
      return lockedUntil
    })

  const carrierOf = (raw: ServiceBusReceivedMessage, settled: () => void): Carrier => {
    let isTried = false
    return {
      ...{ queue, lock, isHeld, renew },
      origin: { isDeadLetters: false },
      gone: sessionLockLost,
      settle: (place, isCompletion, act) =>
        whileHeld(place, async () => {
          // Over a link the SDK settles a message once, whatever the answer.
          if (isTried) {
            const settler = settlerByToken(receiver, raw.lockToken ?? '', sessionId)
            await link.call(place, CALL_MS, () => act(settler))
            return
          }
          isTried = true
          const begun = performance.now()
          await link.settle(place, isCompletion, () => act(receiver))
          roundTripMs = performance.now() - begun
          settled()
        }),
      onAbandon: (delivery) => main.clearShelf(delivery),
    }
  }

  const deliver = (messages: readonly ServiceBusReceivedMessage[]): Delivery[] => {
    const settled = link.take(messages)
    return messages.map((raw, index) => createDelivery(raw, carrierOf(raw, settled[index] ?? (() => {}))))
  }

  const draw: Draw = (maxMessages, waitMs) => {
    const place = { queue, operation: 'receive' }
    return whileHeld(place, async () => {
      const count = Math.min(maxMessages, link.room)
      if (count < 1) return []
      const options = { maxWaitTimeInMs: waitMs }
      try {
        const messages = await link.call(place, waitMs + CALL_MS, () => receiver.receiveMessages(count, options))
        // A connection that breaks ends the call as if there were nothing.
        if (messages.length === 0 && !link.isOpen) throw sessionLockLost(place)
        return deliver(messages)
      } catch (error) {
        // The SDK does not let go of a call that it got no answer to: there could be no other.
        if (isQueueError(error, 'Timeout')) link.lose()
        throw isUndecodable(error) ? undecodable(place) : error
      }
    })
  }

  const main = createReceiver({
    ...{ queue, draw, clock, isExclusive: true },
    end: link.close,
    mayDrain: () => roundTripMs < NEAR_MS,
    minWaitMs: MIN_WAIT_MS,
  })

  return {
    sessionId,
    get lockedUntil() {
      return new Date(lock.until)
    },
    async renewLock() {
      return new Date(await renew({ queue, operation: 'renewLock' }))
    },
    async receive(options) {
      options.signal.throwIfAborted()
      // What waits here is worth nothing any more.
      const deliveries = await whileHeld({ queue, operation: 'receive' }, () => main.receive(options)).catch(
        (error) => {
          options.signal.throwIfAborted()
          throw error
        },
      )
      return deliveries
    },
    close: main.close,
  }
}
