import { isQueueError, QueueError } from '@queue-runtime/core'
import { type Claim, type IncomingMessage, locate, type QueueContext } from '@queue-runtime/core/provider'
import type { NonceClaim, NonceStore } from './nonce-store.ts'
import type { ReplayTimes } from './replay-times.ts'

interface ClaimParts {
  readonly store: NonceStore
  readonly times: ReplayTimes
  readonly context: Pick<QueueContext, 'queue' | 'clock'>
  readonly message: IncomingMessage
  readonly encryptedAt: Date
}

const assertHeld = (answer: 'ok' | 'already' | 'lost'): void => {
  if (answer === 'lost') throw new QueueError('MessageLockLost', 'Another delivery may be handling the message by now.')
}

/** Makes what core holds of a request that was granted. Each method throws MessageLockLost or NonceStoreUnavailable. */
export function createClaim(granted: NonceClaim, { store, times, context, message, encryptedAt }: ClaimParts): Claim {
  const { queue, clock } = context
  let { leaseMs } = granted

  const attempt = async (operation: string, call: () => Promise<'ok' | 'already' | 'lost'>): Promise<void> => {
    try {
      assertHeld(await call())
    } catch (error) {
      throw isQueueError(error) ? locate(error, { queue, operation, messageId: message.messageId }) : error
    }
  }

  return {
    confirm: () => attempt('confirm', () => store.confirm(granted, times.retainCompletedMs(encryptedAt, clock.now()))),
    release: () => attempt('release', () => store.release(granted, times.retainClaimMs(leaseMs))),
    renew: (lockedUntil) =>
      attempt('renew', async () => {
        const renewedMs = times.leaseMs(lockedUntil, clock.now())
        if (!(renewedMs > 0)) return 'lost'
        leaseMs = renewedMs
        return store.renew(granted, renewedMs)
      }),
  }
}
