import { redisNonceStore } from '@queue-runtime/nonce-store-redis'
import { startRedis, startRedisCluster } from '@queue-runtime/redis-server'
import { Cluster, Redis } from 'ioredis'
import { expect, it } from 'vitest'
import { needsRedis } from './redis-here.ts'
import { another, claimOf, identity } from './support.ts'

needsRedis()

/** Notes down what goes over the connection of a client from now on. */
const watch = ({ stream }: Redis): ('write' | 'data')[] => {
  const seen: ('write' | 'data')[] = []
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean
  stream.write = (...args: unknown[]) => {
    seen.push('write')
    return write(...args)
  }
  stream.on('data', () => {
    seen.push('data')
  })
  return seen
}

const requests = (count: number) => Array.from({ length: count }, () => claimOf(identity()))

it('a batch is one write and one round trip on a single server (NR1, PF5)', async () => {
  await using server = await startRedis()
  const client = new Redis(server.url)
  const store = redisNonceStore({ client, logger: false })
  const batch = requests(10)
  await store.claim(batch)
  await store.check()
  const seen = watch(client)
  expect(await store.claim(batch.map(another).map((id) => claimOf(id)))).toEqual(batch.map(() => 'in-flight'))
  expect(seen.filter((what) => what === 'write')).toHaveLength(1)
  expect(seen[0]).toBe('write')
  client.disconnect()
})

it('a batch is one round trip for each node of a cluster: nothing waits for an answer to be asked (NR1)', async () => {
  await using servers = await startRedisCluster()
  const client = new Cluster(servers.nodes.map(({ host, port }) => ({ host, port })))
  const store = redisNonceStore({ client, logger: false })
  const batch = requests(60)
  await store.claim(batch)
  await store.check()
  const seen = client.nodes('master').map(watch)
  expect(await store.claim(batch.map(another).map((id) => claimOf(id)))).toEqual(batch.map(() => 'in-flight'))
  expect(seen).toHaveLength(3)
  for (const one of seen) {
    const answered = one.indexOf('data')
    expect(answered).toBeGreaterThan(5)
    expect(one.slice(answered)).not.toContain('write')
  }
  client.disconnect()
})
