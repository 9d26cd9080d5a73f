import type { NonceDecision, NonceOperation, NonceRecord } from '../../src/nonce-table.ts'
import { OWED } from './explore.ts'
import { AFTER_CONFIRM, TWO_LEASES, UNDUE, UNHANDLED } from './promises.ts'
import { TICK_MS } from './state.ts'
import { real, type Subject, TIMES } from './subject.ts'

type Decide = Subject['decide']

/** A broken store or guard, and the promise that it must be seen to break. */
export interface Mutant {
  readonly name: string
  readonly breaks: string
  readonly subject: Subject
}

/** A store that looks at another record, or hears another operation, than it should. */
const misled =
  (
    record: (record: NonceRecord | undefined, operation: NonceOperation) => NonceRecord | undefined,
    operation: (operation: NonceOperation, record: NonceRecord | undefined) => NonceOperation = (given) => given,
  ): Decide =>
  (given, asked, now) => {
    const seen = record(given, asked)
    const decision = real.decide(seen, operation(asked, given), now)
    // What it leaves alone it leaves as it was, not as it was seen.
    return decision.record === seen ? { ...decision, record: given } : decision
  }

/** A store that writes another record than it should. */
const miswriting =
  (rewrite: (decision: NonceDecision, operation: NonceOperation) => NonceRecord | undefined): Decide =>
  (record, operation, now) => {
    const decision = real.decide(record, operation, now)
    return { ...decision, record: rewrite(decision, operation) }
  }

const sameRecord = (record: NonceRecord | undefined): NonceRecord | undefined => record

/** Anybody may speak for the delivery that holds the claim. */
const withoutOwner =
  (kind: NonceOperation['kind']) =>
  (operation: NonceOperation, record: NonceRecord | undefined): NonceOperation =>
    operation.kind === kind && record?.state === 'claimed' ? { ...operation, token: record.token } : operation

const store = (name: string, breaks: string, decide: Decide): Mutant => ({
  name,
  breaks,
  subject: { ...real, decide },
})

const timed = (name: string, breaks: string, times: Partial<Subject['times']>): Mutant => ({
  name,
  breaks,
  subject: { ...real, times: { ...real.times, ...times } },
})

const guard = (name: string, breaks: string, verdict: Subject['verdict']): Mutant => ({
  name,
  breaks,
  subject: { ...real, verdict },
})

const { maxMessageAgeMs, clockSkewToleranceMs, nonceCacheTtlMs } = TIMES

export const MUTANTS: readonly Mutant[] = [
  store(
    'grants after completed',
    AFTER_CONFIRM,
    misled((record, { kind }) =>
      kind === 'claim' && record?.state === 'completed' ? { ...record, state: 'released' } : record,
    ),
  ),
  store(
    'looks at no lease',
    TWO_LEASES,
    misled((record) => (record?.state === 'claimed' ? { ...record, leaseEnd: 0 } : record)),
  ),
  store(
    'confirms at the claim',
    UNHANDLED,
    miswriting(({ record }, { kind }) =>
      kind === 'claim' && record?.state === 'claimed' ? { state: 'completed', expiresAt: record.expiresAt } : record,
    ),
  ),
  store(
    'completes at the release',
    UNHANDLED,
    miswriting(({ record }, { kind }) =>
      kind === 'release' && record !== undefined ? { state: 'completed', expiresAt: record.expiresAt } : record,
    ),
  ),
  store('lets anybody release', TWO_LEASES, misled(sameRecord, withoutOwner('release'))),
  store('lets anybody renew', TWO_LEASES, misled(sameRecord, withoutOwner('renew'))),
  store(
    'forgets what is completed in its last millisecond',
    AFTER_CONFIRM,
    misled((record) => (record?.state === 'completed' && record.expiresAt === 0 ? undefined : record)),
  ),
  store('renews a lease and not its record', UNDUE, (record, operation, now) => {
    const decision = real.decide(record, operation, now)
    if (operation.kind !== 'renew' || decision.record === undefined || record === undefined) return decision
    return { ...decision, record: { ...decision.record, expiresAt: record.expiresAt } }
  }),
  store(
    'grants a stale message that it never saw',
    AFTER_CONFIRM,
    misled(sameRecord, (operation) => (operation.kind === 'claim' ? { ...operation, stale: false } : operation)),
  ),
  store(
    'lets no lease lapse',
    OWED,
    misled((record, { kind }) =>
      kind === 'claim' && record?.state === 'claimed' ? { ...record, leaseEnd: TICK_MS } : record,
    ),
  ),
  store('calls what comes back late in-flight', OWED, (record, operation, now) => {
    const isLate = operation.kind === 'claim' && operation.stale && record?.state === 'released'
    return isLate ? { answer: 'in-flight', record } : real.decide(record, operation, now)
  }),
  store(
    'forgets what is released',
    UNDUE,
    miswriting(({ record }, { kind }) => (kind === 'release' && record?.state === 'released' ? undefined : record)),
  ),
  timed('remembers a claim for less than its lease', UNDUE, { retainClaimMs: () => TICK_MS }),
  timed('remembers what came early no longer than the rest', AFTER_CONFIRM, {
    retainCompletedMs: () => nonceCacheTtlMs,
  }),
  timed('remembers for one clock that is wrong, not for two', AFTER_CONFIRM, {
    retainCompletedMs: (encryptedAt, now) =>
      Math.max(0, encryptedAt.getTime() + maxMessageAgeMs + clockSkewToleranceMs - now),
  }),
  {
    name: 'has a clock that is off by more than the tolerance',
    breaks: AFTER_CONFIRM,
    subject: { ...real, clocksOffMs: [clockSkewToleranceMs, -2 * clockSkewToleranceMs] },
  },
  guard('settles in-flight as completed', UNHANDLED, (answer) =>
    real.verdict(answer === 'in-flight' ? 'completed' : answer),
  ),
  guard('hands over while the store is down', TWO_LEASES, (answer) =>
    answer === 'no answer' ? { action: 'hand over' } : real.verdict(answer),
  ),
]
