import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { redisNonceStore } from '@queue-runtime/nonce-store-redis'
import { type RedisServer, startRedis, startRedisCluster } from '@queue-runtime/redis-server'
import { Cluster } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { recordKeys } from '../src/record-key.ts'
import { needsRedis } from './redis-here.ts'
import { another, claim, claimOf, identity, LONG, timed, unavailable, until } from './support.ts'

needsRedis()

const startsOf = (nodes: readonly RedisServer[]) => nodes.map(({ host, port }) => ({ host, port }))

/** The node that serves a slot, and another one. */
async function around(nodes: readonly RedisServer[], slot: string): Promise<{ from: RedisServer; to: RedisServer }> {
  const mine = await Promise.all(nodes.map((node) => node.command('CLUSTER', 'COUNTKEYSINSLOT', slot)))
  const at = mine.findIndex((count) => count !== '0')
  const [from, to] = [nodes[at], nodes[(at + 1) % nodes.length]]
  if (from === undefined || to === undefined) throw new Error('No node has the record.')
  return { from, to }
}

const CLIENTS = {
  'a client of its own': (nodes: readonly RedisServer[]) => ({ cluster: { nodes: startsOf(nodes) } }),
  'a client with automatic pipelines': (nodes: readonly RedisServer[]) => ({
    client: new Cluster(startsOf(nodes), { enableAutoPipelining: true }),
  }),
}

describe.concurrent.each(Object.entries(CLIENTS))('on a cluster, with %s,', { timeout: 120_000 }, (_, optionsFor) => {
  it('a record is found wherever it moves to, alone and within a batch (NR1)', async () => {
    await using cluster = await startRedisCluster()
    const { nodes } = cluster
    const options = optionsFor(nodes)
    const store = redisNonceStore({ ...options, logger: false })
    const id = identity()
    const others = Array.from({ length: 20 }, () => identity())
    await claim(store, id)
    const key = recordKeys('qr')(id)
    const slot = await (nodes[0] as RedisServer).command('CLUSTER', 'KEYSLOT', key)
    const { from, to } = await around(nodes, slot)
    const [fromId, toId] = [await from.command('CLUSTER', 'MYID'), await to.command('CLUSTER', 'MYID')]

    const asked = async (batch: readonly (typeof id)[]) => store.claim(batch.map((one) => claimOf(another(one))))
    const everyOther = async (answer: string): Promise<void> => {
      const batch = [...others.slice(0, 10), id, ...others.slice(10)]
      const expected = batch.map((one) => (one === id ? 'in-flight' : answer))
      expect(await asked(batch)).toEqual(expected)
    }

    await everyOther('granted')
    await to.command('CLUSTER', 'SETSLOT', slot, 'IMPORTING', fromId)
    await from.command('CLUSTER', 'SETSLOT', slot, 'MIGRATING', toId)
    await everyOther('in-flight')
    await from.command('MIGRATE', to.host, String(to.port), key, '0', '5000')
    await everyOther('in-flight')
    expect(await asked([id])).toEqual(['in-flight'])
    for (const node of [to, from]) await node.command('CLUSTER', 'SETSLOT', slot, 'NODE', toId)
    await everyOther('in-flight')
    expect(await store.renew(id, LONG.leaseMs)).toBe('ok')
    expect(await store.confirm(id, LONG.retainMs)).toBe('ok')
    await store.close()
    if ('client' in options) options.client.disconnect()
  })

  it('a node that is gone is an outage for its records, within 1 s, until it is back (NR3)', async () => {
    await using cluster = await startRedisCluster({ config: { appendonly: 'yes', appendfsync: 'always' } })
    const { nodes } = cluster
    const options = optionsFor(nodes)
    const store = redisNonceStore({ ...options, logger: false })
    const ids = Array.from({ length: 30 }, () => identity())
    await store.claim(ids.map((id) => claimOf(id)))
    const [gone] = nodes as readonly [RedisServer]
    await gone.kill()
    const tookMs = await timed(() =>
      expect(store.claim(ids.map((id) => claimOf(another(id))))).rejects.toEqual(unavailable()),
    )
    expect(tookMs).toBeLessThan(1_000)
    await gone.start()
    const all = ids.map(() => 'in-flight').join()
    await until(async () => String(await store.claim(ids.map((id) => claimOf(another(id)))).catch(String)) === all)
    await store.close()
    if ('client' in options) options.client.disconnect()
  })
})

/** A node of its own that takes over from a master when that is gone. */
async function addReplica(of: RedisServer, others: readonly RedisServer[]): Promise<RedisServer> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const busPort = String((probe.address() as AddressInfo).port)
  probe.close()
  const config = { 'cluster-enabled': 'yes', 'cluster-port': busPort, 'cluster-node-timeout': '2000' }
  const replica = await startRedis({ config })
  const [, ofBus = ''] = /@(\d+)\S* myself/.exec(await of.command('CLUSTER', 'NODES')) ?? []
  await replica.command('CLUSTER', 'MEET', of.host, String(of.port), ofBus)
  const id = await of.command('CLUSTER', 'MYID')
  await until(async () => (await replica.command('CLUSTER', 'NODES')).includes(id))
  await until(async () => (await replica.command('CLUSTER', 'REPLICATE', id).catch(String)) === 'OK')
  await until(async () => /master_link_status:up/.test(await replica.command('INFO', 'replication')))
  // They vote for whom they know.
  const known = new RegExp(`:${replica.port}@\\S* slave ${id}`)
  for (const other of others) await until(async () => known.test(await other.command('CLUSTER', 'NODES')))
  return replica
}

it('a cluster whose replica takes over goes on with what it knew (NR3, attack 18)', { timeout: 120_000 }, async () => {
  await using cluster = await startRedisCluster()
  const [master, ...others] = cluster.nodes as readonly [RedisServer, ...RedisServer[]]
  await using replica = await addReplica(master, others)
  await using store = redisNonceStore({ cluster: { nodes: startsOf(others) }, logger: false })
  const ids = Array.from({ length: 30 }, () => identity())
  await store.claim(ids.map((id) => claimOf(id)))
  for (const id of ids) await store.confirm(id, LONG.retainMs)
  // The replica takes over writes in their order: with the last one it has them all. The braces make it one of slot 0.
  await master.command('SET', '{3560}last', '1')
  await until(async () => (await replica.command('DBSIZE')) === (await master.command('DBSIZE')))
  await master.kill()
  const all = ids.map(() => 'completed').join()
  await until(async () => String(await store.claim(ids.map((id) => claimOf(another(id)))).catch(String)) === all)
})

it('a cluster that is asked as if it were one server says so (NR3)', async () => {
  await using cluster = await startRedisCluster()
  await using store = redisNonceStore({ url: (cluster.nodes[0] as RedisServer).url, logger: false })
  const batch = Array.from({ length: 30 }, () => claimOf(identity()))
  await expect(store.claim(batch)).rejects.toEqual(unavailable(/as if it were one server/))
})
