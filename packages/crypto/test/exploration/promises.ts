import type { NonceAnswer, NonceOperation } from '../../src/nonce-table.ts'
import { type Consumer, type Promised, type State, TICK_MS, type Who } from './state.ts'
import { TIMES } from './subject.ts'

/** What is promised (protocol.md 5, "Argument"), by what a step that breaks it is called. */
export const AFTER_CONFIRM = 'a delivery after a confirm'
export const TWO_LEASES = 'two deliveries under live leases'
export const UNDUE = 'set aside as expired, though it was accepted and may come back'
export const UNHANDLED = 'completed at the broker, though nobody has handled it'

export const isDelivering = ({ phase, leaseMs }: Consumer): boolean =>
  (phase === 'handling' || phase === 'handled') && leaseMs > 0

/** protocol.md 5, "Times", said once more, so that what is tested does not judge itself. */
const AFTER_LEASE_MS = 60_000
const lifeOf = (leaseMs: number): number => Math.max(TIMES.nonceCacheTtlMs, leaseMs + AFTER_LEASE_MS)

/** What an answer promises of a message that nobody has handled. */
export const promiseBy = (
  before: Promised | undefined,
  operation: NonceOperation,
  answer: NonceAnswer,
): Promised | undefined => {
  if (operation.kind === 'claim' && (answer === 'granted' || answer === 'granted-again')) {
    return { leaseMs: operation.leaseMs, lifeMs: lifeOf(operation.leaseMs) }
  }
  if (operation.kind === 'renew' && answer === 'ok') {
    const { leaseMs } = operation
    return { leaseMs, lifeMs: Math.max(before?.lifeMs ?? 0, leaseMs + AFTER_LEASE_MS) }
  }
  if (operation.kind === 'release' && answer === 'ok') return { leaseMs: 0, lifeMs: TIMES.nonceCacheTtlMs }
  return before
}

export const agePromise = (promise: Promised | undefined): Promised | undefined =>
  promise === undefined || promise.lifeMs < TICK_MS
    ? undefined
    : { leaseMs: Math.max(0, promise.leaseMs - TICK_MS), lifeMs: promise.lifeMs - TICK_MS }

/**
 * True where nobody has handled the message, nobody holds a live lease, and some consumer that is free may have it: a copy
 * will be at hand while it is fresh, or while what was accepted may come back.
 */
export function isOwed(state: State, isStale: (age: number, who: Who) => boolean): boolean {
  const { age, promise, consumers, waiting } = state
  if (state.isHandled || (promise !== undefined && promise.leaseMs > 0)) return false
  const isTaken = (who: Who, wait: number): boolean =>
    (promise !== undefined && promise.lifeMs >= wait * TICK_MS) || !isStale(age + wait, who)
  const held = consumers.filter(({ phase }) => phase !== 'opened').map(({ lock }) => lock)
  const waits = [...waiting, ...held.filter((lock) => lock > 0)]
  return ([0, 1] as const).some((who) => {
    const { phase, lock } = consumers[who]
    if (phase === 'opened' && lock > 0 && isTaken(who, 0)) return true
    return (phase === 'idle' || phase === 'opened') && waits.some((wait) => isTaken(who, wait))
  })
}
