import { randomBytes } from 'node:crypto'
import { isQueueError, QueueError } from '@queue-runtime/core'
import { type Claim, type IncomingMessage, logFields, type QueueContext } from '@queue-runtime/core/provider'
import { checkedNonceStore } from './checked-nonce-store.ts'
import { createClaim } from './claim.ts'
import { DEFAULT_MAX_MESSAGE_AGE_MS, messageExpired } from './freshness.ts'
import type { NonceClaim, NonceClaimAnswer, NonceStore } from './nonce-store.ts'
import type { MessageCryptoOptions } from './options.ts'
import { replayTimes } from './replay-times.ts'

/** A message whose tag was verified, with a key that may open it. */
export interface Verified {
  readonly message: IncomingMessage
  readonly keyId: string
  readonly nonce: Uint8Array
  readonly encryptedAt: Date
}

/** Lets a message be handled by one consumer at a time, and by none after it was handled (protocol.md 5). */
export interface ReplayGuard {
  /**
   * Resolves with a claim per message, or with why there is none, in order; asks the store once for all of them. Rejects
   * only with `signal.reason`, after giving back what was granted.
   */
  claim(verified: readonly Verified[], signal?: AbortSignal): Promise<(Claim | QueueError)[]>
}

/** Why a message is not handed over after this answer; null: it is. */
export const refusalOf = (answer: NonceClaimAnswer, encryptedAt: Date, maxMessageAgeMs: number): QueueError | null => {
  switch (answer) {
    case 'granted':
    case 'granted-again':
      return null
    case 'in-flight':
      return new QueueError('NonceReused', 'Another delivery of it is being handled.', { facts: { state: answer } })
    case 'completed':
      return new QueueError('NonceReused', 'The message was handled before.', { facts: { state: answer } })
    case 'expired':
      return messageExpired(encryptedAt, maxMessageAgeMs)
  }
}

const lockEnds = (): QueueError =>
  new QueueError('MessageLockLost', 'The lock of the message ends before it can be handled.')

export function createReplayGuard(
  nonceStore: NonceStore,
  options: MessageCryptoOptions,
  context: Pick<QueueContext, 'queue' | 'clock' | 'logger'>,
): ReplayGuard {
  const { queue, clock, logger } = context
  const { nonceScope: scope = queue, maxMessageAgeMs = DEFAULT_MAX_MESSAGE_AGE_MS } = options
  const store = checkedNonceStore(nonceStore)
  const times = replayTimes(options)
  const tokens = new WeakMap<IncomingMessage, string>()

  /** 128 random bits per delivery: a held message that is tried again finds its own claim. */
  const tokenOf = (message: IncomingMessage): string => {
    const token = tokens.get(message) ?? randomBytes(16).toString('base64url')
    tokens.set(message, token)
    return token
  }

  /** Null where the lock is about to end: the lease would outlast it. */
  const requestOf = ({ message, keyId, nonce, encryptedAt }: Verified): NonceClaim | null => {
    const now = clock.now()
    const leaseMs = times.leaseMs(message.lockedUntil, now)
    // Asked so that a lock without a time is none.
    if (!(leaseMs > 0)) return null
    // The nonce is a view of what arrived; the claim outlives this call.
    const identity = { scope, keyId, nonce: new Uint8Array(nonce), token: tokenOf(message) }
    const stale = times.isStale(encryptedAt, now)
    return { ...identity, leaseMs, retainMs: times.retainClaimMs(leaseMs), stale }
  }

  const outcomeOf = (answer: NonceClaimAnswer, request: NonceClaim, verified: Verified): Claim | QueueError => {
    const { message, keyId, encryptedAt } = verified
    if (answer === 'completed') {
      logger.warn(
        { ...logFields(queue, 'receive', message), key_id: keyId },
        'Message received that was handled before',
      )
    }
    return (
      refusalOf(answer, encryptedAt, maxMessageAgeMs) ??
      createClaim(request, { store, times, context, message, encryptedAt })
    )
  }

  const giveBack = async (outcomes: readonly (Claim | QueueError)[]): Promise<void> => {
    // What cannot be given back now is free again when its lease ends.
    await Promise.allSettled(outcomes.map((outcome) => (isQueueError(outcome) ? undefined : outcome.release())))
  }

  /** While the store is down each message of the call gets the same error: none is handed over. */
  const ask = async (requests: readonly NonceClaim[]): Promise<(NonceClaimAnswer | QueueError)[]> => {
    if (requests.length === 0) return []
    try {
      return await store.claim(requests)
    } catch (error) {
      return requests.map(() => error as QueueError)
    }
  }

  return {
    async claim(verified, signal) {
      signal?.throwIfAborted()
      const requests = verified.map(requestOf)
      const answers = (await ask(requests.filter((request) => request !== null))).values()
      const outcomes = verified.map((one, index) => {
        const request = requests[index] ?? null
        if (request === null) return lockEnds()
        const answer = answers.next().value as NonceClaimAnswer | QueueError
        return isQueueError(answer) ? answer : outcomeOf(answer, request, one)
      })
      if (!signal?.aborted) return outcomes
      await giveBack(outcomes)
      throw signal.reason
    },
  }
}
