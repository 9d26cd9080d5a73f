import { type Disposition, QueueError } from '@queue-runtime/core'
import { dispositionOf } from '../../src/disposition.ts'
import { assertFresh } from '../../src/freshness.ts'
import type { NonceClaimAnswer } from '../../src/nonce-store.ts'
import { decide, type NonceDecision, type NonceOperation, type NonceRecord } from '../../src/nonce-table.ts'
import { refusalOf } from '../../src/replay-guard.ts'
import { type ReplayTimes, replayTimes } from '../../src/replay-times.ts'
import { TICK_MS } from './state.ts'

/** What is explored: the decisions of store and guard, which the real code makes as pure functions. */
export interface Subject {
  /** The store: one operation on one record. */
  decide(record: NonceRecord | undefined, operation: NonceOperation, now: number): NonceDecision
  /** What becomes of a delivery after an answer, or after none came. */
  verdict(answer: NonceClaimAnswer | 'no answer'): Disposition | { readonly action: 'hand over' }
  /** True where a consumer whose clock shows `now` takes the message for one from the future. */
  isFromFuture(encryptedAt: Date, now: number): boolean
  readonly times: ReplayTimes
  /** How far the clock of each consumer is off, in milliseconds. */
  readonly clocksOffMs: readonly [number, number]
}

/** The least retention that is allowed for this window, so that nothing is remembered longer than it must be. */
export const TIMES = {
  maxMessageAgeMs: 2 * TICK_MS,
  clockSkewToleranceMs: TICK_MS,
  nonceCacheTtlMs: 4 * TICK_MS,
} as const

const { maxMessageAgeMs, clockSkewToleranceMs } = TIMES

const whyNot = (answer: NonceClaimAnswer | 'no answer'): QueueError | null =>
  answer === 'no answer'
    ? new QueueError('NonceStoreUnavailable', 'down')
    : refusalOf(answer, new Date(0), maxMessageAgeMs)

export const real: Subject = {
  decide: (record, operation, now) => decide(record, operation, now),
  verdict(answer) {
    const refusal = whyNot(answer)
    return refusal === null
      ? { action: 'hand over' }
      : dispositionOf(refusal, { deliveryCount: 1, onReplay: 'complete' })
  },
  isFromFuture(encryptedAt, now) {
    const clock = { now: () => now, sleep: async () => {} }
    try {
      assertFresh(encryptedAt, { maxMessageAgeMs: Number.POSITIVE_INFINITY, clockSkewToleranceMs, clock })
      return false
    } catch {
      return true
    }
  },
  times: replayTimes(TIMES),
  // As far apart as the tolerance lets them be.
  clocksOffMs: [clockSkewToleranceMs, -clockSkewToleranceMs],
}
