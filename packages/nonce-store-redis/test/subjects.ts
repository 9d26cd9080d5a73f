import { type NonceFeature, type NonceSetup, realTime, type Subject } from '@queue-runtime/conformance'
import { type RedisNonceOptions, redisNonceStore } from '@queue-runtime/nonce-store-redis'
import { type RedisServer, startRedis, startRedisCluster } from '@queue-runtime/redis-server'

/** The cases of a server run side by side; a busy machine answers some thousand calls in a quarter of this. */
const TICK_MS = 2_000

const FEATURES = { peer: true, fill: true, cut: true } as const

/** Redis is what is tested: how it is configured is told in tests of its own. */
const storeAt = (options: RedisNonceOptions) => redisNonceStore({ ...options, logger: false })

const setUpAt = (options: RedisNonceOptions, nodes: readonly RedisServer[], end: () => Promise<void>): NonceSetup => {
  const [store, peer] = [storeAt(options), storeAt(options)]
  const limit = (bytes: string) => Promise.all(nodes.map((node) => node.command('CONFIG', 'SET', 'maxmemory', bytes)))
  return {
    store,
    peer,
    time: realTime(),
    tickMs: TICK_MS,
    async fill() {
      await limit('1')
    },
    async cut() {
      for (const node of nodes) node.pause()
    },
    async heal() {
      for (const node of nodes) node.resume()
    },
    async close() {
      await Promise.all([store.close(), peer.close()])
      for (const node of nodes) node.resume()
      await limit('0')
      await end()
    },
  }
}

/** A server for each case. */
export const oneServer: Subject<NonceSetup, NonceFeature> = {
  name: 'redisNonceStore on one server',
  features: FEATURES,
  async setUp() {
    const server = await startRedis()
    return setUpAt({ url: server.url }, [server], () => server.close())
  },
}

/** One cluster for all cases, one after the other. */
export const cluster = {
  name: 'redisNonceStore on a cluster',
  features: FEATURES,
  running: undefined as ReturnType<typeof startRedisCluster> | undefined,
  async setUp() {
    cluster.running ??= startRedisCluster()
    const { nodes } = await cluster.running
    const start = nodes.map(({ host, port }) => ({ host, port }))
    return setUpAt({ cluster: { nodes: start } }, nodes, async () => {})
  },
}
