import { type RedisNonceOptions, redisNonceStore } from '@queue-runtime/nonce-store-redis'
import {
  type RedisConfig,
  type RedisServer,
  startRedis,
  startRedisCluster,
  startReplica,
} from '@queue-runtime/redis-server'
import { Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { needsRedis } from './redis-here.ts'
import { claim, identity, unavailable, until } from './support.ts'

needsRedis()

const SAFE: RedisConfig = { appendonly: 'yes', 'maxmemory-policy': 'noeviction' }

const silent = (): void => {}

/** A store, what it logs, and the warnings alone. */
const logged = (options: RedisNonceOptions) => {
  const lines: { level: string; fields: Record<string, unknown>; text: string }[] = []
  const write = (level: string) => (fields: Record<string, unknown>, text: string) => {
    lines.push({ level, fields, text })
  }
  const logger = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
  const warnings = () => lines.filter(({ fields }) => fields.operation === 'check').map(({ text }) => text)
  return { store: redisNonceStore({ ...options, logger }), lines, warnings }
}

/** What is found on a server with this configuration. */
const findingsOn = async (
  config: RedisConfig,
  prepare?: (server: RedisServer) => Promise<unknown>,
): Promise<string[]> => {
  await using server = await startRedis({ config })
  await prepare?.(server)
  await using store = redisNonceStore({ url: server.url, logger: false })
  return store.check()
}

describe('the look at the configuration of Redis', () => {
  it('finds nothing where records are neither evicted nor lost (NR3)', async () => {
    expect(await findingsOn(SAFE)).toEqual([])
    expect(await findingsOn({ ...SAFE, appendonly: 'no', save: '60 1' })).toEqual([])
  })

  it('finds every policy but noeviction, for each drops records before their time (NR3, attack 24)', async () => {
    for (const policy of ['allkeys-lru', 'volatile-ttl', 'volatile-lru']) {
      const findings = await findingsOn({ ...SAFE, 'maxmemory-policy': policy })
      expect(findings).toEqual([expect.stringMatching(`^maxmemory-policy is ${policy}, not noeviction: `)])
    }
  })

  it('finds a server that neither persists nor is replicated (NR3)', async () => {
    expect(await findingsOn({ save: '', appendonly: 'no' })).toEqual([
      expect.stringMatching(/^Redis neither persists its data nor has a replica/),
    ])
    await using master = await startRedis()
    await using _replica = await startReplica(master)
    await using store = redisNonceStore({ url: master.url, logger: false })
    expect(await store.check()).toEqual([])
  })

  it('finds a lack of the replicas that are waited for (NR3)', async () => {
    await using server = await startRedis({ config: SAFE })
    await using store = redisNonceStore({ url: server.url, logger: false, waitReplicas: 2 })
    expect(await store.check()).toEqual(['waitReplicas is 2, and 0 replicas are connected'])
  })

  it('says what it cannot see where the user may not ask (NR3)', async () => {
    await using server = await startRedis({ config: { ...SAFE, appendonly: 'no' } })
    const seenAs = async (...rules: readonly string[]): Promise<string[]> => {
      await server.command('ACL', 'SETUSER', 'nonces', 'reset', 'on', '>pw', '~*', '+@all', ...rules)
      const client = new Redis({ ...server, username: 'nonces', password: 'pw', enableReadyCheck: false })
      await using store = redisNonceStore({ client, logger: false })
      try {
        return await store.check()
      } finally {
        client.disconnect()
      }
    }
    expect(await seenAs('-config')).toEqual([expect.stringMatching(/does not say whether it saves snapshots/)])
    expect(await seenAs('-info')).toEqual([expect.stringMatching(/^INFO is refused: make sure that maxmemory-policy/)])
    expect(await seenAs('-config', '-info')).toHaveLength(1)
  })

  it('is one at each master of a cluster, and says the same once (NR3)', async () => {
    await using cluster = await startRedisCluster({ config: { appendonly: 'yes' } })
    const [first, second, third] = cluster.nodes as readonly [RedisServer, RedisServer, RedisServer]
    await first.command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru')
    await second.command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru')
    await third.command('CONFIG', 'SET', 'appendonly', 'no')
    await using store = redisNonceStore({ cluster: { nodes: [{ host: third.host, port: third.port }] }, logger: false })
    expect((await store.check()).sort()).toEqual([
      expect.stringMatching(/^Redis neither persists/),
      expect.stringMatching(/^maxmemory-policy is allkeys-lru/),
    ])
  })

  it('is made at the first call, and logs each warning once, over new connections too (NR3)', async () => {
    await using server = await startRedis({ config: { ...SAFE, 'maxmemory-policy': 'allkeys-lfu' } })
    const { store, lines, warnings } = logged({ url: server.url })
    expect(lines).toEqual([])
    for (let count = 0; count < 5; count += 1) await claim(store, identity())
    await until(() => lines.length > 0)
    expect(lines).toEqual([
      {
        level: 'warn',
        fields: { nonce_store: 'redis', operation: 'check' },
        text: expect.stringContaining('allkeys-lfu'),
      },
    ])
    await server.restart()
    await server.command('CONFIG', 'SET', 'appendonly', 'no')
    await server.command('CLIENT', 'KILL', 'TYPE', 'normal')
    await until(async () => (await claim(store, identity()).catch(String)) === 'granted')
    await until(() => warnings().length > 1)
    expect(warnings()).toEqual([
      expect.stringContaining('allkeys-lfu'),
      expect.stringMatching(/^Redis neither persists/),
    ])
    await store.close()
  })

  it('is told of an outage once, by its reason, and of its end (NR3, OP5)', async () => {
    await using server = await startRedis({ config: SAFE })
    const { store, lines } = logged({ url: server.url })
    await claim(store, identity())
    await server.command('CONFIG', 'SET', 'maxmemory', '1')
    for (let count = 0; count < 3; count += 1) await claim(store, identity()).catch(silent)
    await server.command('CONFIG', 'SET', 'maxmemory', '0')
    await server.command('CONFIG', 'SET', 'min-replicas-to-write', '1')
    await claim(store, identity()).catch(silent)
    await server.command('CONFIG', 'SET', 'min-replicas-to-write', '0')
    await claim(store, identity())
    const failed = { nonce_store: 'redis', error_type: 'NonceStoreUnavailable' }
    expect(lines).toEqual([
      { level: 'warn', fields: failed, text: expect.stringMatching(/^Redis has no memory left/) },
      { level: 'warn', fields: failed, text: expect.stringMatching(/^Redis has fewer replicas/) },
      { level: 'info', fields: { nonce_store: 'redis' }, text: 'Redis answers again' },
    ])
    await store.close()
    await claim(store, identity()).catch(silent)
    expect(lines).toHaveLength(3)
  })

  it('decides about no message: it may fail, and is made again (NR3)', async () => {
    await using server = await startRedis({ config: { ...SAFE, 'maxmemory-policy': 'allkeys-lru' } })
    const client = new Redis(server.url)
    await client.ping()
    const info = client.info.bind(client)
    let failures = 0
    client.info = (async () => {
      failures += 1
      if (failures < 3) throw new Error('Connection is closed.')
      return info()
    }) as typeof client.info
    const { store, warnings } = logged({ client })
    for (let count = 0; count < 3; count += 1) {
      expect(await claim(store, identity())).toBe('granted')
      await until(() => failures > count)
    }
    await until(() => warnings().length === 1)
    client.disconnect()
  })

  it('rejects where the server cannot be asked, and ends with the signal', async () => {
    await using server = await startRedis()
    const store = redisNonceStore({ url: server.url, logger: false, timeoutMs: 300 })
    await claim(store, identity())
    server.pause()
    await expect(store.check()).rejects.toEqual(unavailable(/within 300 ms/))
    const stop = new AbortController()
    const checking = store.check({ signal: stop.signal })
    stop.abort(new Error('enough'))
    await expect(checking).rejects.toThrow('enough')
    await expect(store.check({ signal: stop.signal })).rejects.toThrow('enough')
    server.resume()
    await store.close()
    await expect(store.check()).rejects.toEqual(unavailable(/is closed/))
  })
})
