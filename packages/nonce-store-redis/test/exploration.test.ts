import { setTimeout as sleep } from 'node:timers/promises'
import { redisNonceStore } from '@queue-runtime/nonce-store-redis'
import { startRedis, startRedisCluster } from '@queue-runtime/redis-server'
import { Cluster, Redis } from 'ioredis'
import { expect, it } from 'vitest'
import { TICK_MS } from '../../crypto/test/exploration/state.ts'
import { drive, type PathCall, storePaths } from '../../crypto/test/exploration/store-paths.ts'
import { inQuickTime } from './quick-time.ts'

/** So much faster than in the model time passes on the server: a tick takes a second. */
const FACTOR = 30

const paths = storePaths({ copies: 1, faults: 2 })

/**
 * The calls of a tick take a while, in which no time passes in the model. There what ends ends with a tick, after its calls, or
 * shortly before it: here half a tick after, or a quarter of a tick before.
 */
const apart = (ms: number): number => Math.round((ms % TICK_MS === 0 ? ms + TICK_MS / 2 : ms - TICK_MS / 4) / FACTOR)

const hurry = (client: Redis | Cluster) =>
  inQuickTime(client, ({ leaseMs, retainMs }) => ({ leaseMs: apart(leaseMs), retainMs: apart(retainMs) }))

const replay = async (clients: readonly (Redis | Cluster)[]): Promise<string[]> => {
  const stores = clients.map((client) => redisNonceStore({ client: hurry(client), logger: false, timeoutMs: 5_000 }))
  const at = { next: 0 }
  const store = () => stores[at.next++ % stores.length] as (typeof stores)[number]
  const startedAt = performance.now()
  let ticks = 0
  try {
    return await drive(
      {
        // Each call over another connection, as if by another process.
        store: {
          claim: (requests) => store().claim(requests),
          renew: (id, leaseMs) => store().renew(id, leaseMs),
          confirm: (id, retainMs) => store().confirm(id, retainMs),
          release: (id, retainMs) => store().release(id, retainMs),
        },
        async advance() {
          ticks += 1
          await sleep(startedAt + (ticks * TICK_MS) / FACTOR - performance.now())
        },
      },
      paths,
    )
  } finally {
    await Promise.all(stores.map((one) => one.close()))
    for (const client of clients) client.disconnect()
  }
}

it.concurrent('the paths of the state exploration lead Redis to the answers of the state table (protocol.md 5, NR2)', async () => {
  await using server = await startRedis()
  const clients = [0, 1].map(() => new Redis(server.url))
  expect(await replay(clients)).toEqual([])
  expect(paths.length).toBeGreaterThan(500)
}, 120_000)

it.concurrent('the paths of the state exploration lead a cluster to the answers of the state table (protocol.md 5, NR2)', async () => {
  await using servers = await startRedisCluster()
  const nodes = servers.nodes.map(({ host, port }) => ({ host, port }))
  const clients = [0, 1].map(() => new Cluster(nodes))
  expect(await replay(clients)).toEqual([])
}, 120_000)

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
