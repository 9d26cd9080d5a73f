import { readFileSync } from 'node:fs'
import { type RedisNonceOptions, redisNonceStore } from '@queue-runtime/nonce-store-redis'
import { type RedisServer, startRedis, startRedisCluster, startReplica } from '@queue-runtime/redis-server'
import { describe, expect, it } from 'vitest'
import { needsRedis } from './redis-here.ts'
import { claim, identity, LONG, unavailable, until } from './support.ts'

needsRedis()

const guide = readFileSync(new URL('../../../docs/replay-protection.md', import.meta.url), 'utf8')

/** The rule as the guide has it, and what it adds for a cluster and for waitReplicas. */
const RULES = /^ACL SETUSER nonces on >secret (.*)$/m.exec(guide)?.[1]?.split(' ') ?? []
const FOR_CLUSTER = /on a cluster also `([^`]+)`/i.exec(guide)?.[1]?.split(' ') ?? []
const FOR_WAIT = /with `waitReplicas` `([^`]+)`/i.exec(guide)?.[1]?.split(' ') ?? []

const allow = (server: RedisServer, ...rules: readonly string[]) =>
  server.command('ACL', 'SETUSER', 'nonces', 'reset', 'on', '>secret', ...rules)

const user = { username: 'nonces', password: 'secret' } as const

const everyCall = async (options: RedisNonceOptions): Promise<string[]> => {
  await using store = redisNonceStore({ ...options, logger: false })
  const [id, other] = [identity(), identity()]
  const answers = [await claim(store, id), await claim(store, other)]
  answers.push((await store.renew(id, LONG.leaseMs)) as never, (await store.release(id, LONG.retainMs)) as never)
  expect([...answers, await store.confirm(other, LONG.retainMs)]).toEqual(['granted', 'granted', 'ok', 'ok', 'ok'])
  return store.check()
}

describe('the permissions of the guide', () => {
  it('are there', () => {
    expect([RULES.length > 5, FOR_CLUSTER.length, FOR_WAIT.length]).toEqual([true, 3, 1])
  })

  it('suffice for every call on one server, and for the look at its configuration (NR3)', async () => {
    await using server = await startRedis({ config: { appendonly: 'yes' } })
    await allow(server, ...RULES)
    const { host, port } = server
    expect(await everyCall({ server: { host, port, ...user } })).toEqual([])
  })

  it('suffice on a cluster, while slots move too (NR3)', async () => {
    await using cluster = await startRedisCluster({ config: { appendonly: 'yes' } })
    for (const node of cluster.nodes) await allow(node, ...RULES, ...FOR_CLUSTER)
    const nodes = cluster.nodes.map(({ host, port }) => ({ host, port }))
    expect(await everyCall({ cluster: { nodes, options: { redisOptions: user } } })).toEqual([])
    const [from, to] = cluster.nodes as readonly [RedisServer, RedisServer]
    const [fromId, toId] = [await from.command('CLUSTER', 'MYID'), await to.command('CLUSTER', 'MYID')]
    await to.command('CLUSTER', 'SETSLOT', '0', 'IMPORTING', fromId)
    await from.command('CLUSTER', 'SETSLOT', '0', 'MIGRATING', toId)
    await using store = redisNonceStore({
      cluster: { nodes, options: { redisOptions: user } },
      prefix: '{3560}',
      logger: false,
    })
    for (const node of cluster.nodes) await allow(node, ...RULES, ...FOR_CLUSTER, '~*')
    expect(await from.command('CLUSTER', 'KEYSLOT', '{3560}:n')).toBe('0')
    expect(await claim(store, identity())).toBe('granted')
  })

  it('suffice with waitReplicas (NR3)', async () => {
    await using master = await startRedis()
    await using replica = await startReplica(master)
    await allow(master, ...RULES, ...FOR_WAIT)
    await master.command('SET', 'first', '1')
    await until(async () => (await replica.command('GET', 'first')) === '1')
    const { host, port } = master
    expect(await everyCall({ server: { host, port, ...user }, waitReplicas: 1 })).toEqual([])
  })

  it('are none too many: without one of them something is denied (NR3)', async () => {
    for (const rule of RULES.filter((one) => one.startsWith('+'))) {
      await using server = await startRedis({ config: { save: '60 1' } })
      await allow(server, ...RULES.filter((one) => one !== rule))
      const { host, port } = server
      const outcome = everyCall({ server: { host, port, ...user, enableReadyCheck: false } })
      if (rule === '+info' || rule === '+config|get') expect(await outcome, rule).toHaveLength(1)
      else await expect(outcome, rule).rejects.toEqual(unavailable(/^Redis denies the user/))
    }
  })

  it('reach no other keys and no other commands', async () => {
    await using server = await startRedis()
    await allow(server, ...RULES)
    const as = (...command: readonly string[]) => server.command('--user', 'nonces', '--pass', 'secret', ...command)
    for (const command of [
      ['GET', 'other'],
      ['KEYS', '*'],
      ['FLUSHALL'],
      ['CONFIG', 'SET', 'maxmemory', '1'],
      ['DEL', 'qr:n:a'],
    ]) {
      await expect(as(...command), command.join(' ')).rejects.toThrow(/NOPERM/)
    }
  })
})
