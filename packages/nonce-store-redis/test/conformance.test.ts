import { startRedis } from '@queue-runtime/redis-server'
import { needsRedis } from './redis-here.ts'
import { describeKit } from './subjects.ts'

needsRedis()

describeKit('redisNonceStore on one server', async () => {
  const server = await startRedis()
  return { options: { url: server.url }, nodes: [server], [Symbol.asyncDispose]: () => server.close() }
})
