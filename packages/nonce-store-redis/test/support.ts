import { randomBytes, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { NonceClaim, NonceClaimAnswer, NonceIdentity, NonceStore } from '@queue-runtime/crypto'
import { expect } from 'vitest'

export const LONG = { leaseMs: 60_000, retainMs: 600_000 } as const

/** One delivery of an envelope that no other test knows. */
export const identity = (fields: Partial<NonceIdentity> = {}): NonceIdentity => ({
  scope: 'orders',
  keyId: 'orders-2026-11',
  nonce: new Uint8Array(randomBytes(12)),
  token: randomUUID(),
  ...fields,
})

/** Another delivery of the same envelope. */
export const another = (id: NonceIdentity): NonceIdentity => ({ ...id, token: randomUUID() })

export const claimOf = (id: NonceIdentity, fields: Partial<NonceClaim> = {}): NonceClaim => ({
  ...id,
  ...LONG,
  stale: false,
  ...fields,
})

export async function claim(
  store: NonceStore,
  id: NonceIdentity,
  fields: Partial<NonceClaim> = {},
): Promise<NonceClaimAnswer | undefined> {
  const [answer] = await store.claim([claimOf(id, fields)])
  return answer
}

/** Matches NonceStoreUnavailable with a text like this. */
export const unavailable = (text: RegExp = /./): unknown =>
  expect.objectContaining({ code: 'NonceStoreUnavailable', isTransient: true, message: expect.stringMatching(text) })

/** Resolves with how long something took, in milliseconds. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return performance.now() - startedAt
}

/** Looks until it is true, for as long as a busy machine may take. */
export async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 40_000
  while (!(await isTrue())) {
    if (performance.now() > end) throw new Error('It never came to that.')
    await sleep(10)
  }
}
