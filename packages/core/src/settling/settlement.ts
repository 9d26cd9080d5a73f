import { isLockLost, QueueError } from '../base/errors.ts'
import type { Claim } from '../contracts/protection.ts'
import type { Delivery } from '../contracts/transport.ts'
import type { DeadLetterReason } from '../message/message.ts'
import type { Lock } from './keep-lock.ts'
import type { WatchSettling } from './watch-settling.ts'

/** Settles one delivery once: first the claim, then the broker (protocol.md 5). */
export interface Settlement extends Lock {
  /** True while it can be settled. */
  readonly isOpen: boolean
  /** True once it was settled; false where it is open, being settled or lost. */
  readonly isSettled: boolean
  /** True once the message left the queue: completed or dead-lettered. */
  readonly isDone: boolean
  complete(): Promise<void>
  abandon(options: { delayMs: number }): Promise<void>
  deadLetter(reason: DeadLetterReason): Promise<void>
  renewLock(): Promise<Date>
  /** Extends the claim alone, where the lock was renewed by others. */
  renewClaim(lockedUntil: Date): Promise<void>
  /** For a client that closes: waits for what is under way, then abandons what is unsettled. Later attempts give ClientClosed. */
  release(): Promise<void>
}

type State = 'open' | 'settling' | 'done' | 'abandoned' | 'message-lost' | 'session-lost' | 'released'

/** What a second attempt is told, by what became of the first. */
const REFUSALS: Record<
  Exclude<State, 'open'>,
  { code: 'AlreadySettled' | 'MessageLockLost' | 'SessionLockLost' | 'ClientClosed'; text: string }
> = {
  settling: { code: 'AlreadySettled', text: 'The message is being settled.' },
  done: { code: 'AlreadySettled', text: 'The message was settled before.' },
  abandoned: { code: 'AlreadySettled', text: 'The message was settled before.' },
  'message-lost': { code: 'MessageLockLost', text: 'The lock of the message is gone.' },
  'session-lost': { code: 'SessionLockLost', text: 'The lock of the session is gone.' },
  released: { code: 'ClientClosed', text: 'The client closed and released the message.' },
}

interface SettlementContext {
  readonly queue: string
  readonly watch: WatchSettling
  /** Called once, when nothing can be done with the delivery any more. */
  readonly onEnd: (settlement: Settlement) => void
}

/** `claim`: null where the message was not claimed. */
export function createSettlement(delivery: Delivery, claim: Claim | null, context: SettlementContext): Settlement {
  const { queue, watch, onEnd } = context
  const { message } = delivery
  let state: State = 'open'
  let isClaimReleased = claim === null

  const releaseClaim = async (): Promise<void> => {
    if (isClaimReleased) return
    await claim?.release()
    isClaimReleased = true
  }

  const assertOpen = (operation: string): void => {
    if (state === 'open') return
    const { code, text } = REFUSALS[state]
    throw new QueueError(code, text, { queue, operation, messageId: message.messageId })
  }

  const attempt = async (end: State, steps: () => Promise<void>): Promise<void> => {
    try {
      await steps()
      state = end
    } catch (error) {
      // After an outage the application may try again; a lock that is gone does not come back.
      state = !isLockLost(error) ? 'open' : error.code === 'SessionLockLost' ? 'session-lost' : 'message-lost'
      throw error
    } finally {
      if (state !== 'open') onEnd(settlement)
    }
  }

  let attempted = Promise.resolve()
  const settle = async (operation: string, end: State, steps: () => Promise<void>): Promise<void> => {
    assertOpen(operation)
    state = 'settling'
    attempted = attempt(end, steps)
    await attempted
  }

  const abandon = (delayMs: number): Promise<void> =>
    watch('abandon', message, async () => {
      await releaseClaim()
      await delivery.abandon({ delayMs })
    })

  const settlement: Settlement = {
    get isOpen() {
      return state === 'open'
    },
    get isSettled() {
      return state === 'done' || state === 'abandoned' || state === 'released'
    },
    get isDone() {
      return state === 'done'
    },
    get lockedUntil() {
      return message.lockedUntil
    },
    complete: () =>
      settle('complete', 'done', () =>
        watch('complete', message, async () => {
          await claim?.confirm()
          await delivery.complete()
        }),
      ),
    abandon: ({ delayMs }) => settle('abandon', 'abandoned', () => abandon(delayMs)),
    deadLetter: (reason) =>
      settle('deadLetter', 'done', () =>
        watch(
          'deadLetter',
          message,
          async () => {
            await releaseClaim()
            await delivery.deadLetter(reason)
          },
          reason.reason,
        ),
      ),
    async release() {
      await attempted.catch(() => {})
      if (state === 'open') await settle('release', 'released', () => abandon(0))
    },
    async renewLock() {
      // What is being settled may fail: then its lock is still worth something.
      if (state === 'settling') await attempted.catch(() => {})
      assertOpen('renewLock')
      const lockedUntil = await delivery.renewLock()
      await claim?.renew(lockedUntil)
      return lockedUntil
    },
    async renewClaim(lockedUntil) {
      if (state === 'open') await claim?.renew(lockedUntil)
    },
  }
  return settlement
}
