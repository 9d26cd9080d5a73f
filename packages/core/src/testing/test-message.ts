import { checkOptions, option } from '../base/check.ts'
import { type Clock, systemClock } from '../base/clock.ts'
import { QueueError } from '../base/errors.ts'
import type { Options } from '../base/options.ts'
import type { Delivery, TransportFeatures } from '../contracts/transport.ts'
import type { Disposition, OutgoingMessage, ReceivedMessage, Seal } from '../message/message.ts'
import { createReceivedMessage } from '../message/received-message.ts'
import { validateMessage } from '../message/validate.ts'
import { createSettlement } from '../settling/settlement.ts'

/** What became of a message: how it was settled, and with what. */
export type TestOutcome =
  | Exclude<Disposition, { action: 'dead-letter' | 'hold' }>
  | { readonly action: 'dead-letter'; readonly reason: string; readonly description: string | undefined }

/** A received message without a broker, which remembers what became of it. */
export interface TestMessage extends ReceivedMessage {
  /** How it was settled; null while it is not: `consume` completes such a message once its handler resolved. */
  readonly outcome: TestOutcome | null
}

interface TestFacts
  extends Options<{
    brokerMessageId: string
    deliveryCount: number
    enqueuedAt: Date
    seal: Options<Seal>
    lockMs: number
    clock: Clock
  }> {}

/**
 * What a test says of a message: what its sender gave, under the same names, and beside it
 *
 * - `brokerMessageId`: default `1`
 * - `deliveryCount`: default 1
 * - `enqueuedAt`: default now
 * - `seal`: what the tag proved, as far as the test cares; `{}` will do. Default none: the message came as plaintext. Its
 *   `attributes` are among those of the message
 * - `lockMs`: how long the lock lasts, in milliseconds. Default 30 000
 * - `clock`: by which it lasts. Default the machine's
 */
export type TestMessageFields = OutgoingMessage & TestFacts

const DEFAULT_LOCK_MS = 30_000

const EVERYTHING: TransportFeatures = { deliverAt: true, timeToLive: true, abandonDelay: true, sessionIds: 'allowed' }

const checkFacts = (facts: TestFacts): void => {
  const text = option.that('a string', (value) => typeof value === 'string')
  const seal = option.that('an object', (value) => typeof value === 'object' && value !== null)
  checkOptions(facts, {
    brokerMessageId: text,
    deliveryCount: option.wholeNumber(1),
    enqueuedAt: option.date,
    seal,
    lockMs: option.wholeNumber(1),
    clock: option.object('a Clock', 'now', 'sleep'),
  })
}

const sealOf = (given: Options<Seal> | undefined, now: Date): Seal | null => {
  if (given === undefined) return null
  const { keyId = 'test-key', encryptedAt = now, audience, attributes = {} } = given
  return { keyId, encryptedAt, audience, attributes }
}

/**
 * Returns a message to test a handler with. It behaves as one from a broker: it settles once and under its lock alone, hides its
 * body when it is printed, and reads it as UTF-8 or JSON.
 *
 * Settling throws AlreadySettled the second time and MessageLockLost once `lockMs` are over, by the given clock.
 *
 * @throws Validation: a field that no sender could have sent · Configuration: another field is wrong; each is named
 * @example
 * const message = testMessage({ json: { order: 7 }, deliveryCount: 3 })
 * await handleOrder(message, { signal: new AbortController().signal })
 * assert.deepEqual(message.outcome, { action: 'dead-letter', reason: 'order.unknown', description: undefined })
 */
export function testMessage(fields: TestMessageFields): TestMessage {
  const {
    brokerMessageId,
    deliveryCount,
    enqueuedAt,
    seal: givenSeal,
    lockMs = DEFAULT_LOCK_MS,
    clock,
    ...given
  } = fields
  checkFacts({ brokerMessageId, deliveryCount, enqueuedAt, seal: givenSeal, lockMs, clock })
  const sent = validateMessage(given, EVERYTHING)
  const { now } = clock ?? systemClock
  const seal = sealOf(givenSeal, new Date(now()))
  const queue = 'test'
  let lockedUntil = now() + lockMs
  let outcome: TestOutcome | null = null

  const assertLocked = (operation: string): void => {
    if (now() < lockedUntil) return
    const place = { queue, operation, messageId: sent.messageId }
    throw new QueueError('MessageLockLost', 'The lock of the message is gone.', place)
  }

  const delivery: Delivery = {
    message: {
      messageId: sent.messageId,
      brokerMessageId: brokerMessageId ?? '1',
      sessionId: sent.sessionId,
      correlationId: sent.correlationId,
      contentType: sent.contentType,
      attributes: { ...seal?.attributes, ...sent.attributes },
      deliveryCount: deliveryCount ?? 1,
      enqueuedAt: enqueuedAt ?? new Date(now()),
      body: sent.body,
      get lockedUntil() {
        return new Date(lockedUntil)
      },
    },
    async complete() {
      assertLocked('complete')
      outcome = { action: 'complete' }
    },
    async abandon({ delayMs }) {
      assertLocked('abandon')
      outcome = { action: 'abandon', delayMs }
    },
    async deadLetter({ reason, description }) {
      assertLocked('deadLetter')
      outcome = { action: 'dead-letter', reason, description }
    },
    async renewLock() {
      assertLocked('renewLock')
      lockedUntil = now() + lockMs
      return new Date(lockedUntil)
    },
  }
  const settlement = createSettlement(delivery, null, { queue, watch: (_, __, act) => act(), onEnd: () => {} })
  const message = createReceivedMessage(delivery.message, { body: sent.body, seal }, settlement)
  return Object.defineProperty(message, 'outcome', { get: () => outcome, enumerable: true }) as TestMessage
}
