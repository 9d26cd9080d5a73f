import { startRedisCluster } from '@queue-runtime/redis-server'
import { needsRedis } from './redis-here.ts'
import { describeKit } from './subjects.ts'

needsRedis()

describeKit('redisNonceStore on a cluster', async () => {
  const { nodes, close } = await startRedisCluster()
  const starts = nodes.map(({ host, port }) => ({ host, port }))
  return { options: { cluster: { nodes: starts } }, nodes, [Symbol.asyncDispose]: close }
})
