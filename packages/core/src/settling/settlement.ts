import { isQueueError, QueueError } from '../base/errors.ts'
import type { Claim } from '../contracts/protection.ts'
import type { Delivery } from '../contracts/transport.ts'
import type { DeadLetterReason } from '../message/message.ts'

/** Settles one delivery once: first the claim, then the broker (protocol.md 5). */
export interface Settlement {
  readonly isOpen: boolean
  readonly lockedUntil: Date
  complete(): Promise<void>
  abandon(options: { delayMs: number }): Promise<void>
  deadLetter(reason: DeadLetterReason): Promise<void>
  renewLock(): Promise<Date>
  /** For a client that closes: waits for what is under way, then abandons what is unsettled. Later attempts give ClientClosed. */
  release(): Promise<void>
}

type State = 'open' | 'settling' | 'settled' | 'lock-lost' | 'released'

/** What a second attempt is told, by what became of the first. */
const REFUSALS: Record<
  Exclude<State, 'open'>,
  { code: 'AlreadySettled' | 'MessageLockLost' | 'ClientClosed'; text: string }
> = {
  settling: { code: 'AlreadySettled', text: 'The message is being settled.' },
  settled: { code: 'AlreadySettled', text: 'The message was settled before.' },
  'lock-lost': { code: 'MessageLockLost', text: 'The lock of the message is gone.' },
  released: { code: 'ClientClosed', text: 'The client closed and released the message.' },
}

/** `onEnd` is called once, when nothing can be done with the delivery any more. */
export function createSettlement(
  delivery: Delivery,
  claim: Claim | null,
  context: { readonly queue: string; readonly onEnd: (settlement: Settlement) => void },
): Settlement {
  let state: State = 'open'
  let isClaimReleased = claim === null
  const { messageId } = delivery.message

  const releaseClaim = async (): Promise<void> => {
    if (isClaimReleased) return
    await claim?.release()
    isClaimReleased = true
  }

  const assertOpen = (operation: string): void => {
    if (state === 'open') return
    const { code, text } = REFUSALS[state]
    throw new QueueError(code, text, { queue: context.queue, operation, messageId })
  }

  const attempt = async (end: 'settled' | 'released', steps: () => Promise<void>): Promise<void> => {
    try {
      await steps()
      state = end
    } catch (error) {
      // After an outage the application may try again; a lock that is gone does not come back.
      state = isQueueError(error, 'MessageLockLost') ? 'lock-lost' : 'open'
      throw error
    } finally {
      if (state !== 'open') context.onEnd(settlement)
    }
  }

  let attempted = Promise.resolve()
  const settle = async (operation: string, end: 'settled' | 'released', steps: () => Promise<void>): Promise<void> => {
    assertOpen(operation)
    state = 'settling'
    attempted = attempt(end, steps)
    await attempted
  }

  const abandon = async (delayMs: number): Promise<void> => {
    await releaseClaim()
    await delivery.abandon({ delayMs })
  }

  const settlement: Settlement = {
    get isOpen() {
      return state === 'open'
    },
    get lockedUntil() {
      return delivery.message.lockedUntil
    },
    complete: () =>
      settle('complete', 'settled', async () => {
        await claim?.confirm()
        await delivery.complete()
      }),
    abandon: ({ delayMs }) => settle('abandon', 'settled', () => abandon(delayMs)),
    deadLetter: (reason) =>
      settle('deadLetter', 'settled', async () => {
        await releaseClaim()
        await delivery.deadLetter(reason)
      }),
    async release() {
      await attempted.catch(() => {})
      if (state === 'open') await settle('release', 'released', () => abandon(0))
    },
    async renewLock() {
      assertOpen('renewLock')
      const lockedUntil = await delivery.renewLock()
      await claim?.renew(lockedUntil)
      return lockedUntil
    },
  }
  return settlement
}
