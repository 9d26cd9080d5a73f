import { type NonceFeature, type NonceSetup, realTime, type Subject } from '@queue-runtime/conformance'
import { type RedisNonceOptions, redisNonceStore } from '@queue-runtime/nonce-store-redis'
import { type RedisServer, startRedis, startRedisCluster } from '@queue-runtime/redis-server'

/** The cases run side by side; a busy machine answers some thousand calls in a quarter of this. */
const TICK_MS = 1_000

/** Redis is what is tested: what the store says of its configuration is told in tests of its own. */
const storesAt = (options: RedisNonceOptions): NonceSetup => {
  const [store, peer] = [0, 1].map(() => redisNonceStore({ ...options, logger: false })) as [Store, Store]
  return {
    ...{ store, peer, time: realTime(), tickMs: TICK_MS },
    async heal() {},
    async close() {
      await Promise.all([store.close(), peer.close()])
    },
  }
}

type Store = ReturnType<typeof redisNonceStore>

/** What an operator can do to servers that are there for one case. */
const handsOn = (
  nodes: readonly RedisServer[],
  { close, ...stores }: NonceSetup,
  end: () => Promise<void>,
): NonceSetup => ({
  ...stores,
  async fill() {
    await Promise.all(nodes.map((node) => node.command('CONFIG', 'SET', 'maxmemory', '1')))
  },
  async cut() {
    for (const node of nodes) node.pause()
  },
  async heal() {
    for (const node of nodes) node.resume()
  },
  async close() {
    await close()
    await end()
  },
})

const FEATURES = { peer: true, fill: true, cut: true } as const

/** A server for each case. */
export const oneServer: Subject<NonceSetup, NonceFeature> = {
  name: 'redisNonceStore on one server',
  features: FEATURES,
  async setUp() {
    const server = await startRedis()
    return handsOn([server], storesAt({ url: server.url }), () => server.close())
  },
}

const clusterAt = (nodes: readonly RedisServer[]): RedisNonceOptions => ({
  cluster: { nodes: nodes.map(({ host, port }) => ({ host, port })) },
})

/** A cluster for each case. */
export const ownCluster: Subject<NonceSetup, NonceFeature> = {
  name: 'redisNonceStore on a cluster of its own',
  features: FEATURES,
  async setUp() {
    const cluster = await startRedisCluster()
    return handsOn(cluster.nodes, storesAt(clusterAt(cluster.nodes)), () => cluster.close())
  },
}

/** A cluster for all cases. */
export const sharedCluster = (nodes: () => readonly RedisServer[]): Subject<NonceSetup, NonceFeature> => ({
  name: 'redisNonceStore on a cluster',
  features: {
    peer: true,
    fill: 'the cluster is that of other cases too; it is filled up in the case below',
    cut: 'the cluster is that of other cases too; it is cut off in the case below',
  },
  setUp: () => storesAt(clusterAt(nodes())),
})
