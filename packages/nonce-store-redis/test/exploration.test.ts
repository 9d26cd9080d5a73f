import { setTimeout as sleep } from 'node:timers/promises'
import type { NonceStore } from '@queue-runtime/crypto'
import { redisNonceStore } from '@queue-runtime/nonce-store-redis'
import { startRedis, startRedisCluster } from '@queue-runtime/redis-server'
import { Cluster, Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { TICK_MS } from '../../crypto/test/exploration/state.ts'
import { drive, type PathCall, storePaths } from '../../crypto/test/exploration/store-paths.ts'
import { inQuickTime, type Times } from './quick-time.ts'
import { needsRedis } from './redis-here.ts'
import { claimOf, identity } from './support.ts'

needsRedis()

const paths = storePaths({ copies: 1, faults: 2 })

/**
 * The calls of a tick take a while, in which no time passes in the model. There what ends ends with a tick, after its calls, or
 * shortly before it: here half a tick after, or a quarter of a tick before.
 */
const apart = (ms: number): number => (ms % TICK_MS === 0 ? ms + TICK_MS / 2 : ms - TICK_MS / 4)

/** Time passes so many times faster than in the model; where a machine is too busy for the first, the next. */
const FACTORS = [20, 8, 3] as const

/** Resolves with the wrong answers; undefined: the calls of a tick took so long that they prove nothing. */
const replayAt = async (factor: number, clients: readonly (Redis | Cluster)[]): Promise<string[] | undefined> => {
  const hurried = ({ leaseMs, retainMs }: Times): Times => ({
    leaseMs: Math.round(apart(leaseMs) / factor),
    retainMs: Math.round(apart(retainMs) / factor),
  })
  const stores = clients.map((client) =>
    redisNonceStore({ client: inQuickTime(client, hurried), logger: false, timeoutMs: 5_000 }),
  )
  let calls = 0
  // Each call over another connection, as if by another process.
  const store = (): NonceStore => stores[calls++ % stores.length] as NonceStore
  const tickMs = TICK_MS / factor
  // Their first call learns the time of the server.
  for (const one of stores) await one.claim([claimOf(identity())])
  let begun = performance.now()
  let longestMs = 0
  const advance = async (): Promise<void> => {
    longestMs = Math.max(longestMs, performance.now() - begun)
    begun += tickMs
    await sleep(begun - performance.now())
  }
  const spread: NonceStore = {
    claim: (requests) => store().claim(requests),
    renew: (id, leaseMs) => store().renew(id, leaseMs),
    confirm: (id, retainMs) => store().confirm(id, retainMs),
    release: (id, retainMs) => store().release(id, retainMs),
  }
  const wrong = await drive({ store: spread, advance }, paths)
  await Promise.all(stores.map((one) => one.close()))
  return longestMs < tickMs / 5 ? wrong : undefined
}

const nodesOf = (client: Redis | Cluster): Redis[] =>
  client.isCluster ? (client as Cluster).nodes('master') : [client as Redis]

const replay = async (connect: () => Redis | Cluster): Promise<string[]> => {
  const clients = [connect(), connect()]
  try {
    for (const client of clients) await client.ping()
    for (const factor of FACTORS) {
      await Promise.all(nodesOf(clients[0] as Redis | Cluster).map((node) => node.flushdb()))
      const wrong = await replayAt(factor, clients)
      if (wrong !== undefined) return wrong
    }
    throw new Error('This machine is too busy to tell the ticks apart.')
  } finally {
    for (const client of clients) client.disconnect()
  }
}

const PATIENT = { timeout: 300_000 }

describe.concurrent(
  'the paths of the state exploration lead to the answers of the state table (protocol.md 5, NR2)',
  PATIENT,
  () => {
    it('on one server', async () => {
      await using server = await startRedis()
      expect(await replay(() => new Redis(server.url))).toEqual([])
      expect(paths.length).toBeGreaterThan(500)
    })

    it('on a cluster', async () => {
      await using servers = await startRedisCluster()
      const nodes = servers.nodes.map(({ host, port }) => ({ host, port }))
      expect(await replay(() => new Cluster(nodes))).toEqual([])
    })
  },
)

it('a path that is answered otherwise is seen', async () => {
  const [calls = []] = paths
  const { operation, answer } = calls[0] as PathCall
  const wrong: PathCall = { atTick: 0, operation, answer: answer === 'granted' ? 'completed' : 'granted' }
  await using server = await startRedis()
  const client = new Redis(server.url)
  const store = redisNonceStore({ client, logger: false })
  expect(await drive({ store, advance: async () => {} }, [[wrong]])).toHaveLength(1)
  client.disconnect()
})
