import type { Clock } from '../base/clock.ts'
import { isQueueError, QueueError } from '../base/errors.ts'
import type { QueueProtection, Unprotected } from '../contracts/protection.ts'
import type { Delivery } from '../contracts/transport.ts'
import { isDisposition } from '../settling/disposition.ts'
import { keepLock, type Lock } from '../settling/keep-lock.ts'
import { createPatience } from './patience.ts'

/**
 * Decides what becomes of each delivery; nothing is settled here. One verdict per delivery, in order. Their locks are kept for
 * up to `renewMs` while that takes long; left out: somebody else keeps them. Rejects only with `signal.reason`.
 */
export type Judge = (deliveries: readonly Delivery[], signal: AbortSignal, renewMs?: number) => Promise<Unprotected[]>

interface JudgeParts {
  readonly queue: string
  readonly protection: QueueProtection
  readonly maxDeliveries: number | undefined
  readonly clock: Clock
}

/**
 * A lock that ends sooner, in milliseconds, is renewed before the message is opened: the lease of its claim ends before the
 * lock does, and the key may have to be fetched first (protocol.md 5).
 */
const SHORT_LOCK_MS = 1_250

const isVerdict = (value: unknown): value is Unprotected => {
  if (typeof value !== 'object' || value === null) return false
  if ('error' in value) return isQueueError(value.error) && 'disposition' in value && isDisposition(value.disposition)
  return 'body' in value && value.body instanceof Uint8Array
}

const renewAll = async (deliveries: readonly Delivery[]): Promise<void> => {
  await Promise.allSettled(deliveries.map(async (delivery) => delivery.renewLock()))
}

export function createJudge({ queue, protection, maxDeliveries, clock }: JudgeParts): Judge {
  const wait = createPatience(clock)

  /** Poison is decided before anything is opened, so that no handler and no key store sees it again (requirements D8). */
  const refusePoison = ({ message }: Delivery): Unprotected | undefined => {
    if (maxDeliveries === undefined || message.deliveryCount <= maxDeliveries) return undefined
    const text = `The message was delivered more than ${maxDeliveries} times.`
    const facts = { maxDeliveries }
    return {
      error: new QueueError('MaxDeliveriesExceeded', text, { facts, queue, messageId: message.messageId }),
      disposition: { action: 'dead-letter', reason: 'qr.max-deliveries' },
    }
  }

  const leftOf = ({ message }: Delivery): number => message.lockedUntil.getTime() - clock.now()

  /** The locks of a batch as one; those that are gone do not count. */
  const lockOf = (deliveries: readonly Delivery[]): Lock => {
    const locked = (): Delivery[] => deliveries.filter((delivery) => leftOf(delivery) > 0)
    return {
      get lockedUntil() {
        return new Date(clock.now() + Math.min(...locked().map(leftOf)))
      },
      renewLock: () => renewAll(locked()),
    }
  }

  /** A protection that keeps to no contract decides nothing: the message is held. */
  const orHold = (verdict: unknown, { message }: Delivery): Unprotected => {
    if (isVerdict(verdict)) return verdict
    const text = 'The protection gave no valid answer for the message.'
    return {
      error: new QueueError('KeyProviderError', text, { queue, messageId: message.messageId }),
      disposition: { action: 'hold' },
    }
  }

  /** Nothing where it failed or did not answer. */
  const open = async (
    deliveries: readonly Delivery[],
    signal: AbortSignal,
    renewMs: number,
  ): Promise<readonly unknown[]> => {
    // Where renewing fails, unprotecting sees how much is left.
    await renewAll(deliveries.filter((delivery) => leftOf(delivery) < SHORT_LOCK_MS))
    const incoming = deliveries.map(({ message }) => message)
    const renewUntil = clock.now() + renewMs
    const keepLocks = (over: AbortSignal): void => {
      keepLock(lockOf(deliveries), { clock, renewUntil: () => renewUntil, signal: over }).catch(() => {})
    }
    try {
      const opening = protection.unprotect(incoming, { purpose: 'deliver', signal })
      const verdicts: unknown = await wait(opening, signal, keepLocks)
      return Array.isArray(verdicts) ? verdicts : []
    } catch {
      signal.throwIfAborted()
      return []
    }
  }

  return async (deliveries, signal, renewMs = 0) => {
    const refusals = deliveries.map(refusePoison)
    const sound = deliveries.filter((_, index) => refusals[index] === undefined)
    const opened = await open(sound, signal, renewMs)
    const verdicts = new Map(sound.map((delivery, index) => [delivery, orHold(opened[index], delivery)]))
    return deliveries.map((delivery, index) => refusals[index] ?? orHold(verdicts.get(delivery), delivery))
  }
}
