import type { NonceClaim, NonceClaimAnswer, NonceIdentity } from './nonce-store.ts'

/** What a store keeps of one envelope. Moments are milliseconds on the store's clock. */
export type NonceRecord =
  | { readonly state: 'claimed'; readonly token: string; readonly leaseEnd: number; readonly expiresAt: number }
  | { readonly state: 'released' | 'completed'; readonly expiresAt: number }

/** What each operation brings, and what it may be answered. */
interface Operations {
  claim: {
    readonly request: Pick<NonceClaim, 'token' | 'leaseMs' | 'retainMs' | 'stale'>
    readonly answer: NonceClaimAnswer
  }
  confirm: {
    readonly request: Pick<NonceIdentity, 'token'> & { readonly retainMs: number }
    readonly answer: 'ok' | 'already' | 'lost'
  }
  release: {
    readonly request: Pick<NonceIdentity, 'token'> & { readonly retainMs: number }
    readonly answer: 'ok' | 'lost'
  }
  renew: {
    readonly request: Pick<NonceIdentity, 'token'> & { readonly leaseMs: number }
    readonly answer: 'ok' | 'lost'
  }
}

type Kind = keyof Operations
export type NonceAnswer<K extends Kind = Kind> = Operations[K]['answer']

/** One call about one envelope. */
export type NonceOperation<K extends Kind = Kind> = {
  readonly [P in K]: { readonly kind: P } & Operations[P]['request']
}[K]

/** How a record looks to the delivery that asks: a lease of its own is its own even after it lapsed, until another takes it. */
type Standing = 'absent' | 'released' | 'mine' | 'lapsed' | 'live' | 'completed'

/** The table of protocol.md 5. `lapsed` and `live` are leases of other deliveries. */
const ANSWERS: {
  readonly [Row in Exclude<Kind, 'claim'> | 'claim fresh' | 'claim stale']: Readonly<
    Record<Standing, Row extends Kind ? NonceAnswer<Row> : NonceClaimAnswer>
  >
} = {
  'claim fresh': {
    absent: 'granted',
    released: 'granted-again',
    lapsed: 'granted-again',
    live: 'in-flight',
    mine: 'granted-again',
    completed: 'completed',
  },
  // Freshness limits the first acceptance only: what was seen fresh and given back may return late.
  'claim stale': {
    absent: 'expired',
    released: 'granted-again',
    lapsed: 'granted-again',
    live: 'in-flight',
    mine: 'granted-again',
    completed: 'completed',
  },
  confirm: { absent: 'ok', released: 'ok', lapsed: 'lost', live: 'lost', mine: 'ok', completed: 'already' },
  release: { absent: 'lost', released: 'lost', lapsed: 'lost', live: 'lost', mine: 'ok', completed: 'lost' },
  renew: { absent: 'lost', released: 'lost', lapsed: 'lost', live: 'lost', mine: 'ok', completed: 'lost' },
}

/** How long a record outlives a lease, in milliseconds (protocol.md 5, "Times"). */
export const RETAIN_AFTER_LEASE_MS = 60_000

/** What an operation leaves behind where it was granted or `ok`; every other answer leaves the record as it is. */
const written = (operation: NonceOperation, record: NonceRecord | undefined, now: number): NonceRecord => {
  switch (operation.kind) {
    case 'claim': {
      const { token, leaseMs, retainMs } = operation
      return { state: 'claimed', token, leaseEnd: now + leaseMs, expiresAt: now + retainMs }
    }
    case 'renew': {
      const leaseEnd = now + operation.leaseMs
      const expiresAt = Math.max(record?.expiresAt ?? 0, leaseEnd + RETAIN_AFTER_LEASE_MS)
      return { state: 'claimed', token: operation.token, leaseEnd, expiresAt }
    }
    case 'confirm':
      return { state: 'completed', expiresAt: now + operation.retainMs }
    case 'release':
      return { state: 'released', expiresAt: now + operation.retainMs }
  }
}

const WRITING: ReadonlySet<NonceAnswer> = new Set<NonceAnswer>(['granted', 'granted-again', 'ok'])

/** A record lives up to and including `expiresAt`: in its last millisecond an envelope of exactly the largest age is still fresh. */
export const isExpired = (record: NonceRecord, now: number): boolean => now > record.expiresAt

const standingOf = (record: NonceRecord | undefined, token: string, now: number): Standing => {
  if (record === undefined || isExpired(record, now)) return 'absent'
  if (record.state !== 'claimed') return record.state
  if (record.token === token) return 'mine'
  return now < record.leaseEnd ? 'live' : 'lapsed'
}

const rowOf = (operation: NonceOperation): keyof typeof ANSWERS => {
  if (operation.kind !== 'claim') return operation.kind
  return operation.stale ? 'claim stale' : 'claim fresh'
}

/** The answer to an operation, and the record as it stands afterwards. */
export interface NonceDecision<K extends Kind = Kind> {
  readonly answer: NonceAnswer<K>
  readonly record: NonceRecord | undefined
}

/** Returns what becomes of one record by one operation at the moment `now`. Pure: this is all that a store decides. */
export function decide<K extends Kind>(
  record: NonceRecord | undefined,
  operation: NonceOperation<K>,
  now: number,
): NonceDecision<K>
export function decide(record: NonceRecord | undefined, operation: NonceOperation, now: number): NonceDecision {
  const standing = standingOf(record, operation.token, now)
  const current = standing === 'absent' ? undefined : record
  const answer = ANSWERS[rowOf(operation)][standing]
  return { answer, record: WRITING.has(answer) ? written(operation, current, now) : current }
}
