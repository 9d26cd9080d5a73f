import type { Clock } from '../base/clock.ts'
import type { Delivery, TransportReceiver } from '../contracts/transport.ts'

interface DelayParts {
  readonly clock: Clock
  /** Ends every delay at once, when the client closes. */
  readonly signal: AbortSignal
  readonly inBackground: (work: Promise<unknown>) => void
}

/** Keeps a delivery locked until `end`, renewing at half of what is left of the lock; an abort ends it early. */
const holdUntil = async (end: number, delivery: Delivery, { clock, signal }: DelayParts): Promise<void> => {
  for (let left = end - clock.now(); left > 0; left = end - clock.now()) {
    const lockLeft = delivery.message.lockedUntil.getTime() - clock.now()
    await clock.sleep(Math.min(left, Math.max(1, lockLeft / 2)), signal)
    if (clock.now() < end) await delivery.renewLock()
  }
}

const withDelay = (delivery: Delivery, parts: DelayParts): Delivery => {
  /** Where renewing fails the delay ends early: giving back too soon costs a delivery, a lock that nobody holds costs more. */
  const giveBackAfter = async (delayMs: number): Promise<void> => {
    await holdUntil(parts.clock.now() + delayMs, delivery, parts).catch(() => {})
    await delivery.abandon({ delayMs: 0 }).catch(() => {})
  }
  return {
    message: delivery.message,
    complete: () => delivery.complete(),
    deadLetter: (reason) => delivery.deadLetter(reason),
    renewLock: () => delivery.renewLock(),
    async abandon({ delayMs }) {
      const isLocked = delivery.message.lockedUntil.getTime() > parts.clock.now()
      // Without a lock there is nothing to keep: the broker says that it is gone.
      if (delayMs === 0 || !isLocked) await delivery.abandon({ delayMs: 0 })
      else parts.inBackground(giveBackAfter(delayMs))
    },
  }
}

/**
 * Returns a receiver whose deliveries can be abandoned with a delay, for brokers that know none: the message stays under its
 * renewed lock for that long and is then given back (requirements C8).
 */
export const withDelayedAbandon = (receiver: TransportReceiver, parts: DelayParts): TransportReceiver => ({
  receive: async (options) => (await receiver.receive(options)).map((delivery) => withDelay(delivery, parts)),
  close: () => receiver.close(),
})
