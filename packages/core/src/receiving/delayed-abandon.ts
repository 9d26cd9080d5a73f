import type { Clock } from '../base/clock.ts'
import { isLockLost } from '../base/errors.ts'
import { abortable, OVER } from '../base/signals.ts'
import type { Delivery, TransportReceiver } from '../contracts/transport.ts'
import { keepLock } from '../settling/keep-lock.ts'

/** The pause between two tries to give a message back, in milliseconds. */
const RETRY_MS = 1_000

interface DelayParts {
  readonly clock: Clock
  /** Ends every delay at once, when the receiver closes. */
  readonly signal: AbortSignal
  /** Nothing is received before what was abandoned is back: the order of a session. */
  readonly isOrdered: boolean
  readonly inBackground: (work: Promise<unknown>) => void
}

/** Keeps a delivery locked for `delayMs`; an abort or the end of its lock ends it early. */
const hold = async (delivery: Delivery, delayMs: number, { clock, signal }: DelayParts): Promise<void> => {
  const ended = new AbortController()
  const end = (): void => ended.abort(OVER)
  const until = clock.now() + delayMs
  const lock = {
    get lockedUntil() {
      return delivery.message.lockedUntil
    },
    renewLock: () => delivery.renewLock(),
  }
  signal.addEventListener('abort', end, { once: true })
  if (signal.aborted) end()
  try {
    const keeping = keepLock(lock, { clock, renewUntil: () => until, signal: ended.signal })
    await Promise.race([keeping, clock.sleep(delayMs, ended.signal)])
  } catch {
    // Giving back too soon costs a delivery; a lock that nobody holds would cost more.
  } finally {
    signal.removeEventListener('abort', end)
    end()
  }
}

/** A receiver that keeps for a while what was abandoned with a delay. */
export interface DelayingReceiver extends TransportReceiver {
  readonly isDelaying: boolean
}

/**
 * Returns a receiver whose deliveries can be abandoned with a delay, for brokers that know none: the message stays under its
 * renewed lock for that long and is then given back (requirements C8).
 */
export function withDelayedAbandon(receiver: TransportReceiver, parts: DelayParts): DelayingReceiver {
  const { clock, signal, isOrdered, inBackground } = parts
  const delays = new Set<Promise<void>>()

  /** Until it is back or its lock is gone: what follows it in a session may only come then. */
  const giveBack = async (delivery: Delivery): Promise<void> => {
    for (;;) {
      try {
        return await delivery.abandon({ delayMs: 0 })
      } catch (error) {
        const isLocked = !isLockLost(error) && delivery.message.lockedUntil.getTime() > clock.now()
        if (!isLocked || signal.aborted) return
        await clock.sleep(RETRY_MS, signal).catch(() => {})
      }
    }
  }

  const giveBackAfter = async (delivery: Delivery, delayMs: number): Promise<void> => {
    await hold(delivery, delayMs, parts)
    await giveBack(delivery)
  }

  const begin = (delivery: Delivery, delayMs: number): void => {
    const delay = giveBackAfter(delivery, delayMs).finally(() => delays.delete(delay))
    delays.add(delay)
    inBackground(delay)
  }

  const withDelay = (delivery: Delivery): Delivery => ({
    message: delivery.message,
    complete: () => delivery.complete(),
    deadLetter: (reason) => delivery.deadLetter(reason),
    renewLock: () => delivery.renewLock(),
    async abandon({ delayMs }) {
      const isLocked = delivery.message.lockedUntil.getTime() > clock.now()
      // Without a lock there is nothing to keep: the broker says that it is gone.
      if (delayMs === 0 || !isLocked) await delivery.abandon({ delayMs: 0 })
      else begin(delivery, delayMs)
    },
  })

  /** Resolves with true once nothing is delayed; with false when `waitMs` was over first. */
  const delaysEnd = async (waitMs: number, signal: AbortSignal): Promise<boolean> => {
    const stop = new AbortController()
    const timer = clock.sleep(waitMs, stop.signal).catch(() => {})
    try {
      await abortable(Promise.race([Promise.all(delays), timer]), signal)
      return delays.size === 0
    } finally {
      stop.abort(OVER)
    }
  }

  return {
    get isDelaying() {
      return delays.size > 0
    },
    async receive({ maxMessages, waitMs, signal }) {
      const deadline = clock.now() + waitMs
      if (isOrdered && delays.size > 0 && !(await delaysEnd(waitMs, signal))) return []
      const left = Math.max(0, deadline - clock.now())
      return (await receiver.receive({ maxMessages, waitMs: left, signal })).map(withDelay)
    },
    async close() {
      await Promise.all(delays)
      await receiver.close()
    },
  }
}
