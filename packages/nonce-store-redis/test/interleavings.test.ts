import type { NonceStore } from '@queue-runtime/crypto'
import { redisNonceStore } from '@queue-runtime/nonce-store-redis'
import { type RedisServer, startRedis, startRedisCluster } from '@queue-runtime/redis-server'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decide, type NonceOperation, type NonceRecord } from '../../crypto/src/nonce-table.ts'
import { startsForAll } from './redis-here.ts'
import { SCALED_TIMEOUT_MS, scaled } from './scale.ts'
import { identity } from './support.ts'

const SEED = 8
const CONNECTIONS = 3

/** A lease that ends at once, or one that does not end: whatever the clocks show, each call has one answer. */
const leaseMs = fc.constantFrom(0, 3_600_000)
const token = fc.constantFrom('a', 'b', 'c')
const retainMs = fc.constant(3_600_000)

const operation = fc.oneof(
  fc.record({ kind: fc.constant('claim'), token, leaseMs, retainMs, stale: fc.boolean() }),
  fc.record({ kind: fc.constant('confirm'), token, retainMs }),
  fc.record({ kind: fc.constant('release'), token, retainMs }),
  fc.record({ kind: fc.constant('renew'), token, leaseMs }),
) as fc.Arbitrary<NonceOperation>

interface Call {
  readonly connection: number
  readonly envelope: number
  readonly operation: NonceOperation
}

const call: fc.Arbitrary<Call> = fc.record({
  connection: fc.nat({ max: CONNECTIONS - 1 }),
  envelope: fc.nat({ max: 1 }),
  operation,
})

/** Calls that are made at once, and after them others. */
const rounds = fc.array(fc.array(call, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 8 })

type Envelopes = readonly Uint8Array[]

const ask = async (stores: readonly NonceStore[], nonces: Envelopes, { connection, envelope, operation }: Call) => {
  const store = stores[connection] as NonceStore
  const id = identity({ nonce: nonces[envelope] as Uint8Array, token: operation.token })
  switch (operation.kind) {
    case 'claim':
      return (await store.claim([{ ...id, ...operation }]))[0]
    case 'renew':
      return store.renew(id, operation.leaseMs)
    case 'confirm':
    case 'release':
      return store[operation.kind](id, operation.retainMs)
  }
}

interface Answered {
  readonly operation: NonceOperation
  readonly answer: unknown
}

/** Every record that some order of the calls leaves behind in which the table gives each its answer. */
function outcomes(record: NonceRecord | undefined, calls: readonly Answered[]): (NonceRecord | undefined)[] {
  if (calls.length === 0) return [record]
  return calls.flatMap(({ operation, answer }, index) => {
    const decision = decide(record, operation, 0)
    return decision.answer === answer ? outcomes(decision.record, calls.toSpliced(index, 1)) : []
  })
}

const distinct = (records: readonly (NonceRecord | undefined)[]): (NonceRecord | undefined)[] => [
  ...new Map(records.map((record) => [JSON.stringify(record), record])).values(),
]

const check = async (stores: readonly NonceStore[], plan: readonly (readonly Call[])[]): Promise<void> => {
  const nonces = [identity().nonce, identity().nonce]
  let records: (NonceRecord | undefined)[][] = nonces.map(() => [undefined])
  for (const round of plan) {
    const answers = await Promise.all(round.map((one) => ask(stores, nonces, one)))
    const answered = round.map((one, index) => ({ ...one, answer: answers[index] }))
    records = records.map((before, envelope) => {
      const calls = answered.filter((one) => one.envelope === envelope)
      const after = distinct(before.flatMap((record) => outcomes(record, calls)))
      expect(after, `no order explains ${JSON.stringify(calls)} on ${JSON.stringify(before)}`).not.toEqual([])
      return after
    })
  }
}

describe.each(['one server', 'a cluster'])('on %s', (place) => {
  const stores = startsForAll(async () => {
    const isCluster = place === 'a cluster'
    const servers = isCluster ? await startRedisCluster() : await startRedis()
    const nodes: readonly RedisServer[] = 'nodes' in servers ? servers.nodes : [servers]
    const starts = nodes.map(({ host, port }) => ({ host, port }))
    const options = isCluster ? { cluster: { nodes: starts } } : { url: nodes[0]?.url ?? '' }
    const all = Array.from({ length: CONNECTIONS }, () =>
      redisNonceStore({ ...options, logger: false, timeoutMs: 5_000 }),
    )
    return {
      all,
      async [Symbol.asyncDispose]() {
        await Promise.all(all.map((store) => store.close()))
        await servers[Symbol.asyncDispose]()
      },
    }
  })

  it(`whatever several connections ask at once, some order of the calls is that of the table, seed ${SEED} (NR2, NR1)`, {
    timeout: SCALED_TIMEOUT_MS,
  }, async () => {
    const property = fc.asyncProperty(rounds, (plan) => check(stores().all, plan))
    await fc.assert(property, { numRuns: scaled(1_500), seed: SEED })
  })
})
