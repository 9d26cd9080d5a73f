import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { inspect, promisify } from 'node:util'
import { type RedisNonceOptions, redisNonceStore } from '@queue-runtime/nonce-store-redis'
import { startRedis } from '@queue-runtime/redis-server'
import { Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { startsForAll } from './redis-here.ts'
import { another, claim, claimOf, identity, LONG, unavailable, until } from './support.ts'
import { startWire } from './wire.ts'

const server = startsForAll(() => startRedis())

const storeAt = (options: RedisNonceOptions = {}) =>
  redisNonceStore({ url: server().url, logger: false, timeoutMs: 5_000, ...options })

describe('the options', () => {
  const client = { ...{ isCluster: false }, pipeline() {}, evalsha() {}, eval() {}, on() {}, off() {} } as never
  const WRONG: readonly (readonly [field: string, options: unknown])[] = [
    ['url', {}],
    ['options', undefined],
    ['url', { url: 'http://127.0.0.1' }],
    ['url', { url: 'redis://:p%40ss@' }],
    ['url', { url: 'redis://127.0.0.1/zero' }],
    ['url', { url: 'redis://127.0.0.1/0?family=6' }],
    ['url', { url: '127.0.0.1:6379' }],
    ['url', { url: 6379 }],
    ['server', { url: 'redis://127.0.0.1', server: {} }],
    ['client', { server: {}, client }],
    ['server', { server: 'redis://127.0.0.1' }],
    ['cluster', { cluster: [] }],
    ['cluster', { cluster: { nodes: [] } }],
    ['cluster', { cluster: { nodes: [{ port: 1 }], redisOptions: {} } }],
    ['client', { client: {} }],
    ['prefix', { server: {}, prefix: 'a:b' }],
    ['prefix', { server: {}, prefix: '' }],
    ['timeoutMs', { server: {}, timeoutMs: 0 }],
    ['waitReplicas', { server: {}, waitReplicas: -1 }],
    ['waitReplicas', { cluster: { nodes: [{ port: 1 }] }, waitReplicas: 1 }],
    ['logger', { server: {}, logger: () => {} }],
    ['host', { host: '127.0.0.1' }],
  ]

  it.each(WRONG)('%s is refused by its name: %o', (field, options) => {
    expect(() => redisNonceStore(options as never)).toThrow(
      expect.objectContaining({ code: 'Configuration', facts: { field } }),
    )
  })

  it('that are refused are never quoted: a URL holds a password (NR3)', () => {
    const url = 'redis://nonces:hunter2@127.0.0.1:port'
    let failure: unknown
    try {
      redisNonceStore({ url })
    } catch (error) {
      failure = error
    }
    expect(`${String(failure)} ${inspect(failure)} ${JSON.stringify(failure)}`).not.toMatch(/hunter2|nonces/)
  })

  it('are not shown by the store', async () => {
    const store = redisNonceStore({ url: 'redis://nonces:hunter2@127.0.0.1:1', logger: false })
    expect(`${inspect(store, { depth: 9, showHidden: true })} ${JSON.stringify(store)}`).not.toMatch(/hunter2|nonces:/)
    await store.close()
  })
})

describe('several stores on one server', () => {
  it('with one prefix share their records, with others they do not (NR1, NR3)', async () => {
    const [one, other, foreign] = [storeAt(), storeAt(), storeAt({ prefix: 'qr.eu' })]
    const id = identity()
    expect(await claim(one, id)).toBe('granted')
    expect(await claim(other, another(id))).toBe('in-flight')
    expect(await claim(foreign, another(id))).toBe('granted')
    expect(await foreign.confirm(id, LONG.retainMs)).toBe('lost')
    expect((await server().command('KEYS', 'qr.eu:n:*')).split('\n')).toHaveLength(1)
    for (const store of [one, other, foreign]) await store.close()
  })

  it('in databases of their own do not share them', async () => {
    const [first, second] = [storeAt(), storeAt({ url: `${server().url}/3` })]
    const id = identity()
    expect([await claim(first, id), await claim(second, id)]).toEqual(['granted', 'granted'])
    for (const store of [first, second]) await store.close()
  })
})

describe('what lies in Redis', () => {
  it('is the names and the nonce of an envelope, a lease and a token, no more, and it ends by itself (NR3)', async () => {
    const store = storeAt()
    const [held, released, done] = [identity(), identity(), identity()].map((id) => ({ ...id, scope: 'lying' }))
    const ids = [held, released, done] as (typeof held & object)[]
    await store.claim(ids.map((id) => claimOf(id as never)))
    await store.release(released as never, 300_000)
    await store.confirm(done as never, 900_000)
    const keys = (await server().command('KEYS', 'qr:n:lying:*')).split('\n')
    expect(keys).toHaveLength(3)
    const lying = await Promise.all(
      keys.map(
        async (key) => [await server().command('GET', key), Number(await server().command('PTTL', key))] as const,
      ),
    )
    const seen = Object.fromEntries(lying.map(([value, ttl]) => [value.replace(/^\d{13}:/, 'lease:'), ttl]))
    expect(Object.keys(seen).sort()).toEqual(['0', '1', `lease:${held?.token}`])
    for (const [value, ttl] of [
      ['0', 300_000],
      ['1', 900_000],
      [`lease:${held?.token}`, 600_000],
    ] as const) {
      expect(seen[value]).toBeGreaterThan(ttl - 5_000)
      expect(seen[value]).toBeLessThanOrEqual(ttl)
    }
    await store.close()
  })

  it('lives on where a renewed lease is shorter than what it was to live (protocol.md 5)', async () => {
    const store = storeAt()
    const id = identity({ scope: 'renewed' })
    const lifeMs = async () => Number(await server().command('PTTL', await server().command('KEYS', 'qr:n:renewed:*')))
    await claim(store, id, { leaseMs: 5_000, retainMs: 600_000 })
    expect(await store.renew(id, 1_000)).toBe('ok')
    expect(await lifeMs()).toBeGreaterThan(590_000)
    expect(await store.renew(id, 900_000)).toBe('ok')
    expect(await lifeMs()).toBeGreaterThan(950_000)
    await store.close()
  })

  it('is small: a record of a message that was handled takes no more than 100 bytes by its own (protocol.md 5)', async () => {
    const store = storeAt()
    const id = identity()
    await claim(store, id)
    await store.confirm(id, LONG.retainMs)
    const key = (await server().command('KEYS', `qr:n:orders:*:${Buffer.from(id.nonce).toString('base64url')}`)).trim()
    expect(Number(await server().command('MEMORY', 'USAGE', key))).toBeLessThanOrEqual(100)
    await store.close()
  })

  it('lives as long as numbers allow where nobody wants it to end', async () => {
    const store = storeAt()
    const id = identity()
    expect(await claim(store, id, { leaseMs: 1.5, retainMs: Number.POSITIVE_INFINITY })).toBe('granted')
    expect(await store.confirm(id, Number.MAX_VALUE)).toBe('ok')
    expect(await claim(store, another(id), { leaseMs: -5, retainMs: 0.5 })).toBe('completed')
    const long = identity()
    expect(await claim(store, long, { leaseMs: Number.POSITIVE_INFINITY })).toBe('granted')
    expect(await claim(store, another(long))).toBe('in-flight')
    const short = identity()
    expect(await claim(store, short, { leaseMs: -5, retainMs: 0 })).toBe('granted')
    await store.close()
  })
})

describe('a client of the application', () => {
  it('is used with its prefix and its shapes of replies, and is left open (NR3)', async () => {
    const client = new Redis(server().url, { keyPrefix: 'app:', stringNumbers: true, replyMapping: 'resp3' })
    const store = redisNonceStore({ client, logger: false })
    const id = identity({ scope: 'prefixed' })
    expect(await claim(store, id)).toBe('granted')
    expect(await store.check()).toEqual([expect.stringMatching(/^Redis neither persists/)])
    expect(await server().command('KEYS', 'app:qr:n:prefixed:*')).toMatch(/^app:qr:n:prefixed:/)
    const listeners = client.eventNames().map((name) => client.listenerCount(name))
    await store.close()
    expect(await client.ping()).toBe('PONG')
    expect(client.eventNames().map((name) => client.listenerCount(name))).not.toEqual(listeners)
    await expect(claim(store, id)).rejects.toEqual(unavailable(/is closed/))
    client.disconnect()
  })

  it('that was ended gives NonceStoreUnavailable', async () => {
    const client = new Redis(server().url)
    await client.ping()
    client.disconnect()
    await until(() => client.status === 'end')
    const store = redisNonceStore({ client, logger: false })
    await expect(claim(store, identity())).rejects.toEqual(unavailable())
  })

  it('is not listened to for its errors: whoever owns it hears of them', async () => {
    const client = new Redis({ port: 1, lazyConnect: true, retryStrategy: () => null })
    redisNonceStore({ client, logger: false })
    expect(client.listenerCount('error')).toBe(0)
    client.disconnect()
  })
})

it('a store connects with its first call', async () => {
  await using wire = await startWire(server().port)
  await using store = redisNonceStore({ url: wire.url, logger: false })
  await using other = redisNonceStore({ url: wire.url, logger: false })
  await claim(store, identity())
  expect(wire.connections).toBe(1)
  expect(await other.check()).toHaveLength(1)
  expect(wire.connections).toBe(2)
})

describe('closing', () => {
  it('waits for the calls that are under way, and may be done twice', async () => {
    const store = storeAt()
    const answers = Array.from({ length: 20 }, () => claim(store, identity()))
    await Promise.all([store.close(), store.close()])
    expect(await Promise.all(answers)).toEqual(answers.map(() => 'granted'))
    await expect(store.confirm(identity(), 1)).rejects.toEqual(unavailable(/is closed/))
  })

  it('is over soon where the server does not answer', async () => {
    await using paused = await startRedis()
    const store = redisNonceStore({ url: paused.url, logger: false, timeoutMs: 300 })
    await claim(store, identity())
    paused.pause()
    const waiting = claim(store, identity()).catch((error: unknown) => error)
    await store.close()
    expect(await waiting).toEqual(unavailable())
  })

  it('lets the process end, and a store that was never asked does not keep it', async () => {
    const index = new URL('../dist/index.js', import.meta.url).href
    const program = `
      import { redisNonceStore } from '${index}'
      redisNonceStore({ url: '${server().url}' })
      redisNonceStore({ url: 'redis://127.0.0.1:1' })
      const down = redisNonceStore({ url: 'redis://127.0.0.1:1', timeoutMs: 50, logger: false })
      const store = redisNonceStore({ url: '${server().url}', logger: false })
      const fields = { scope: 's', keyId: 'k', nonce: new Uint8Array(12), token: 't' }
      await store.confirm(fields, 1000)
      await down.confirm(fields, 1000).catch((error) => console.log(error.code))
      await store.close()
      await down.close()`
    const cwd = fileURLToPath(new URL('..', import.meta.url))
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
      ...{ cwd, timeout: 20_000 },
    })
    expect({ stdout, stderr }).toEqual({ stdout: 'NonceStoreUnavailable\n', stderr: '' })
  })
})
