import type { Clock } from '../base/clock.ts'
import { isQueueError, QueueError } from '../base/errors.ts'
import type { QueueProtection, Unprotected } from '../contracts/protection.ts'
import type { Delivery } from '../contracts/transport.ts'
import { isDisposition } from '../settling/disposition.ts'

/** Decides what becomes of each delivery; nothing is settled here. One verdict per delivery, in order. */
export type Judge = (deliveries: readonly Delivery[], signal: AbortSignal) => Promise<Unprotected[]>

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

export function createJudge({ queue, protection, maxDeliveries, clock }: JudgeParts): Judge {
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

  /** Where renewing fails, unprotecting sees how much is left. */
  const renewShortLocks = async (deliveries: readonly Delivery[]): Promise<void> => {
    const isShort = ({ message }: Delivery): boolean => message.lockedUntil.getTime() - clock.now() < SHORT_LOCK_MS
    await Promise.allSettled(deliveries.filter(isShort).map(async (delivery) => delivery.renewLock()))
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

  return async (deliveries, signal) => {
    const refusals = deliveries.map(refusePoison)
    const sound = deliveries.filter((_, index) => refusals[index] === undefined)
    await renewShortLocks(sound)
    const incoming = sound.map(({ message }) => message)
    const opened: readonly unknown[] = await protection.unprotect(incoming, { purpose: 'deliver', signal })
    const verdicts = new Map(sound.map((delivery, index) => [delivery, orHold(opened[index], delivery)]))
    return deliveries.map((delivery, index) => refusals[index] ?? orHold(verdicts.get(delivery), delivery))
  }
}
