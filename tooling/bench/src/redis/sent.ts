import { randomBytes } from 'node:crypto'
import type { NonceClaim } from '@queue-runtime/crypto'
import { redisNonceStore } from '@queue-runtime/nonce-store-redis'
import { Redis } from 'ioredis'

const NONCE_BYTES = 12

/** Returns claims of so many envelopes that nobody has claimed. */
export function freshClaims(count: number): NonceClaim[] {
  const nonces = randomBytes(count * NONCE_BYTES)
  return Array.from({ length: count }, (_, index) => ({
    scope: 'orders',
    keyId: 'orders-2026-11',
    nonce: nonces.subarray(index * NONCE_BYTES, (index + 1) * NONCE_BYTES),
    token: nonces.toString('base64url', index, index + 16),
    leaseMs: 29_750,
    retainMs: 600_000,
    stale: false,
  }))
}

/** The arguments of EVALSHA as the store sends them: hash, number of keys, key, operation, token, deadline, lease, retention. */
export type Sent = readonly [hash: string, count: string, key: string, ...rest: string[]]

const DEADLINE_AT = 5
const NEVER = String(Number.MAX_SAFE_INTEGER)

/** Resolves with what the store sends for one claim, whose deadline never passes; the server then knows the script. */
export async function sentForClaim(url: string): Promise<Sent> {
  const client = new Redis(url)
  const calls: (string | number)[][] = []
  const pipeline = client.pipeline.bind(client)
  client.pipeline = () => {
    const made = pipeline()
    const evalsha = made.evalsha.bind(made) as (...args: (string | number)[]) => typeof made
    return Object.assign(made, {
      evalsha(...args: (string | number)[]) {
        calls.push(args)
        return evalsha(...args)
      },
    })
  }
  const store = redisNonceStore({ client, logger: false })
  await store.claim(freshClaims(1))
  client.disconnect()
  const sent = calls.at(-1)
  if (sent === undefined) throw new Error('The store has sent no EVALSHA.')
  return sent.map(String).with(DEADLINE_AT, NEVER) as unknown as Sent
}
