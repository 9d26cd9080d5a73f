import { readFileSync } from 'node:fs'
import { type RedisNonceOptions, redisNonceStore } from '@queue-runtime/nonce-store-redis'
import { type RedisServer, startRedis, startReplica } from '@queue-runtime/redis-server'
import { Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { startsForAll } from './redis-here.ts'
import { another, claim, claimOf, identity, LONG, unavailable, until } from './support.ts'

const guide = readFileSync(new URL('../../../docs/replay-protection.md', import.meta.url), 'utf8')
const RULES = /^ACL SETUSER nonces on >secret (.*)$/m.exec(guide)?.[1]?.split(' ') ?? []
const FOR_DATABASE = /a database other than 0 is used also `([^`]+)`/i.exec(guide)?.[1]?.split(' ') ?? []

const REFUSED = unavailable(/^Redis cannot select the database/)

const silent = (): void => {}

const keyspace = (server: RedisServer): Promise<string> => server.command('INFO', 'keyspace')

/** The same database, as it is named for a store. */
const WAYS: readonly (readonly [string, (server: RedisServer, db: number) => RedisNonceOptions])[] = [
  ['a url', ({ host, port }, db) => ({ url: `redis://nonces:secret@${host}:${port}/${db}` })],
  ['a server', ({ host, port }, db) => ({ server: { host, port, db, username: 'nonces', password: 'secret' } })],
]

describe('a database other than 0', () => {
  const server = startsForAll(() => startRedis({ config: { appendonly: 'yes' } }))

  const allow = async (...rules: readonly string[]): Promise<void> => {
    await server().command('FLUSHALL')
    await server().command('ACL', 'SETUSER', 'nonces', 'reset', 'on', '>secret', ...RULES, ...rules)
  }

  it.for(WAYS)(
    'holds the records, by %s, with what the guide says of permissions (NR1, NR3)',
    async ([, optionsAt]) => {
      await allow(...FOR_DATABASE)
      await using store = redisNonceStore({ ...optionsAt(server(), 2), logger: false })
      const id = identity()
      expect(await claim(store, id)).toBe('granted')
      expect(await claim(store, another(id))).toBe('in-flight')
      expect(await store.confirm(id, LONG.retainMs)).toBe('ok')
      expect(await store.check()).toEqual([])
      expect(await keyspace(server())).toMatch(/^db2:keys=1,/m)
      expect(await keyspace(server())).not.toMatch(/^db0:/m)
    },
  )

  it.for(WAYS)('that may not be selected, by %s, is an outage, and nothing is written (NR3)', async ([, optionsAt]) => {
    await allow()
    await using store = redisNonceStore({ ...optionsAt(server(), 2), logger: false })
    const id = identity()
    await expect(store.claim([claimOf(id), claimOf(identity())])).rejects.toEqual(REFUSED)
    await expect(store.renew(id, LONG.leaseMs)).rejects.toEqual(REFUSED)
    await expect(store.confirm(id, LONG.retainMs)).rejects.toEqual(REFUSED)
    await expect(store.release(id, LONG.retainMs)).rejects.toEqual(REFUSED)
    await expect(store.check()).rejects.toEqual(REFUSED)
    expect(await keyspace(server())).not.toMatch(/^db/m)
    // The connection that was refused it is the one that goes on.
    await server().command('ACL', 'SETUSER', 'nonces', ...FOR_DATABASE)
    expect(await claim(store, id)).toBe('granted')
    expect(await store.check()).toEqual([])
    expect(await keyspace(server())).toMatch(/^db2:keys=1,/m)
    expect(await keyspace(server())).not.toMatch(/^db0:/m)
  })

  it.for(WAYS)('that is not there, by %s, is an outage, and nothing is written (NR3)', async ([, optionsAt]) => {
    await allow(...FOR_DATABASE)
    await using store = redisNonceStore({ ...optionsAt(server(), 99), logger: false })
    await expect(claim(store, identity())).rejects.toEqual(REFUSED)
    await expect(store.check()).rejects.toEqual(REFUSED)
    expect(await keyspace(server())).not.toMatch(/^db/m)
  })

  it('is where replicas and a restarted server have the record, too (NR1, NR3)', async () => {
    await using master = await startRedis({ config: { appendonly: 'yes', appendfsync: 'always' } })
    await using replica = await startReplica(master)
    await using store = redisNonceStore({ url: `${master.url}/2`, timeoutMs: 10_000, waitReplicas: 1, logger: false })
    const id = identity()
    await until(async () => (await claim(store, id).catch(String)) === 'granted-again')
    expect(await keyspace(replica)).toMatch(/^db2:keys=1,/m)
    expect(await keyspace(replica)).not.toMatch(/^db0:/m)
    await master.stop()
    await master.start()
    await until(async () => /^db2:keys=1,/m.test(await keyspace(master)))
    expect(await keyspace(master)).not.toMatch(/^db0:/m)
  })

  it('is that of a client that was given, or an outage (NR3)', async () => {
    await allow()
    const { host, port } = server()
    const client = new Redis({ host, port, db: 3, username: 'nonces', password: 'secret' }).on('error', silent)
    try {
      await using store = redisNonceStore({ client, logger: false })
      await expect(claim(store, identity())).rejects.toEqual(REFUSED)
      expect(await keyspace(server())).not.toMatch(/^db/m)
      await server().command('ACL', 'SETUSER', 'nonces', ...FOR_DATABASE)
      expect(await claim(store, identity())).toBe('granted')
      expect(await keyspace(server())).toMatch(/^db3:keys=1,/m)
    } finally {
      client.disconnect()
    }
  })
})
