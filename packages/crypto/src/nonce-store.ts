/**
 * One delivery of one envelope (protocol.md 5).
 *
 * - `scope`: the consumers that share the record, by default the logical queue
 * - `keyId`, `nonce`: which envelope; the nonce is that of AES-GCM, 12 bytes
 * - `token`: which delivery of it asks; fresh and random for each
 */
export interface NonceIdentity {
  readonly scope: string
  readonly keyId: string
  readonly nonce: Uint8Array
  readonly token: string
}

/**
 * A delivery that asks for the right to be handled.
 *
 * - `leaseMs`: for how long, in milliseconds from now on the store's clock
 * - `retainMs`: how long the record lives, in milliseconds: longer than the lease
 * - `stale`: the envelope is too old to be accepted for the first time
 */
export type NonceClaim = NonceIdentity & {
  readonly leaseMs: number
  readonly retainMs: number
  readonly stale: boolean
}

/**
 * `granted` and `granted-again` (it was claimed before, and given back or abandoned): handle it. `in-flight`: another delivery
 * holds it. `completed`: it was handled. `expired`: it is stale and was never claimed.
 */
export type NonceClaimAnswer = 'granted' | 'granted-again' | 'in-flight' | 'completed' | 'expired'

/**
 * Remembers which envelopes were handled, and who handles which right now. The table of protocol.md 5 says what each call
 * answers; `nonce-table.ts` is that table as a function. A store keeps to three rules:
 *
 * - each single claim, renewal, confirmation or release is atomic, whoever asks at the same moment
 * - a record is never dropped before its time; where there is no room for another one, the call rejects
 * - it rejects where it cannot answer. Nothing is handed over then: there is no way to fail open
 */
export interface NonceStore {
  /** One answer per request, in order. Two requests for one envelope are answered one after the other. */
  claim(requests: readonly NonceClaim[]): Promise<NonceClaimAnswer[]>
  /** Extends the lease of the delivery that holds it to `leaseMs` from now; the record outlives it by 60 s. */
  renew(id: NonceIdentity, leaseMs: number): Promise<'ok' | 'lost'>
  /** Marks the envelope as handled, for `retainMs` milliseconds. */
  confirm(id: NonceIdentity, retainMs: number): Promise<'ok' | 'already' | 'lost'>
  /** Lets the next delivery be granted at once. */
  release(id: NonceIdentity, retainMs: number): Promise<'ok' | 'lost'>
}
