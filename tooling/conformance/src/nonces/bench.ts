import { randomBytes, randomUUID } from 'node:crypto'
import type { Options } from '@queue-runtime/core'
import type { NonceClaim, NonceIdentity, NonceStore } from '@queue-runtime/crypto'
import type { Time } from '../kit/time.ts'

/** A nonce store, and the hand of an operator on it. What he cannot do there is left out: the subject lacks the feature. */
export interface NonceSetup
  extends Options<{
    /** What another process has of the same store. */
    peer: NonceStore
    /** Leaves no room for a further record. */
    fill(): Promise<void>
    /** From now on the store cannot be reached. */
    cut(): Promise<void>
  }> {
  readonly store: NonceStore
  readonly time: Time
  /**
   * The step of time that leases are made of, in milliseconds. In real time long enough for some thousand calls to be answered
   * in a quarter of it.
   */
  readonly tickMs: number
  /** Ends what `cut` began. */
  heal(): Promise<void>
  close(): Promise<void>
}

/** An envelope that no other case knows, as one of its deliveries asks. */
export const identity = (fields: Partial<NonceIdentity> = {}): NonceIdentity => ({
  scope: `kit-${randomUUID()}`,
  keyId: 'kit-1',
  nonce: new Uint8Array(randomBytes(12)),
  token: randomUUID(),
  ...fields,
})

/** The same envelope, as another delivery of it asks. */
export const another = (id: NonceIdentity): NonceIdentity => ({ ...id, token: randomUUID() })

/** How a lease and a record last that no case sees the end of. */
export const longOf = ({ tickMs }: NonceSetup): { readonly leaseMs: number; readonly retainMs: number } => ({
  leaseMs: 100 * tickMs + 60_000,
  retainMs: 200 * tickMs + 180_000,
})

/** Asks for the right to handle an envelope, for a long time unless said otherwise. */
export async function claim(
  setup: NonceSetup,
  id: NonceIdentity,
  fields: Partial<Pick<NonceClaim, 'leaseMs' | 'retainMs' | 'stale'>> = {},
  store: NonceStore = setup.store,
): Promise<unknown> {
  const [answer] = await store.claim([{ ...id, ...longOf(setup), stale: false, ...fields }])
  return answer
}
