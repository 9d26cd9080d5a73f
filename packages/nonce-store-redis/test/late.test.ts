import { redisNonceStore } from '@queue-runtime/nonce-store-redis'
import { type RedisServer, startRedis } from '@queue-runtime/redis-server'
import { Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { needsRedis, startsForAll } from './redis-here.ts'
import { another, claim, claimOf, identity, LONG, unavailable, until } from './support.ts'
import { startWire } from './wire.ts'

needsRedis()

/** How many calls of the script a server has carried out, or refused as late. */
const scriptsRun = async (server: RedisServer): Promise<number> => {
  const stats = await server.command('INFO', 'commandstats')
  return [...stats.matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g)].reduce((sum, [, calls]) => sum + Number(calls), 0)
}

describe('a call that the server hears of after its time', () => {
  const there = startsForAll(async () => {
    const server = await startRedis()
    const wire = await startWire(server.port)
    const near = redisNonceStore({ url: server.url, logger: false, timeoutMs: 5_000 })
    const far = redisNonceStore({ url: wire.url, logger: false, timeoutMs: 700 })
    return {
      ...{ server, wire, near, far },
      async [Symbol.asyncDispose]() {
        await Promise.all([near.close(), far.close()])
        await wire[Symbol.asyncDispose]()
        await server.close()
      },
    }
  })

  /** Makes a call that arrives only after it was given up, and resolves when it has. */
  const late = async (call: () => Promise<unknown>): Promise<void> => {
    const { server, wire, far } = there()
    await claim(far, identity())
    const before = await scriptsRun(server)
    wire.holdRequests()
    await expect(call()).rejects.toEqual(unavailable(/within 700 ms/))
    wire.letGo()
    await until(async () => (await scriptsRun(server)) > before)
  }

  it('leaves no claim behind: a copy that is stale by then would be granted it (NR3, attack 23)', async () => {
    const { near, far } = there()
    const id = identity()
    await late(() => claim(far, id))
    expect(await claim(near, another(id), { stale: true })).toBe('expired')
  })

  it('takes no claim away from the delivery that has claimed anew (protocol.md 5)', async () => {
    const { near, far } = there()
    const id = identity()
    await claim(near, id)
    await late(() => far.release(id, LONG.retainMs))
    expect(await claim(near, another(id))).toBe('in-flight')
  })

  it('completes nothing and renews nothing (protocol.md 5)', async () => {
    const { near, far } = there()
    const [confirmed, renewed] = [identity(), identity()]
    await claim(near, confirmed)
    await claim(near, renewed, { leaseMs: 1 })
    await late(() => far.confirm(confirmed, LONG.retainMs))
    await late(() => far.renew(renewed, LONG.leaseMs))
    expect(await claim(near, another(confirmed))).toBe('in-flight')
    expect(await claim(near, another(renewed))).toBe('granted-again')
  })

  it('changes nothing where a client of the application kept it until the server was there again (NR3)', async () => {
    const gone = await startRedis({ config: { appendonly: 'yes', appendfsync: 'always' } })
    const client = new Redis(gone.url, { maxRetriesPerRequest: null, retryStrategy: () => 20 })
    client.on('error', () => {})
    const store = redisNonceStore({ client, logger: false, timeoutMs: 700 })
    const [taken, wanted] = [identity(), identity()]
    await claim(store, taken)
    await gone.stop()
    await expect(claim(store, wanted)).rejects.toEqual(unavailable())
    await expect(store.confirm(taken, LONG.retainMs)).rejects.toEqual(unavailable())
    await gone.start()
    await until(async () => (await scriptsRun(gone)) >= 2)
    expect(await claim(store, another(wanted), { stale: true })).toBe('expired')
    expect(await claim(store, another(taken), { stale: true })).toBe('in-flight')
    client.disconnect()
    await gone.close()
  })
})

describe('a call whose answer is lost', () => {
  it('was carried out once, and is answered as its own when it is made again (A29)', async () => {
    await using server = await startRedis()
    await using wire = await startWire(server.port)
    await using store = redisNonceStore({ url: wire.url, logger: false, timeoutMs: 700 })
    const id = identity()
    await claim(store, identity())
    wire.holdReplies()
    await expect(claim(store, id)).rejects.toEqual(unavailable())
    wire.letGo()
    expect(await claim(store, another(id))).toBe('in-flight')
    expect(await claim(store, id)).toBe('granted-again')
    wire.holdReplies()
    await expect(store.confirm(id, LONG.retainMs)).rejects.toEqual(unavailable())
    wire.letGo()
    expect(await store.confirm(id, LONG.retainMs)).toBe('already')
  })

  it('holds a claim no longer than its lease (A29)', async () => {
    await using server = await startRedis()
    await using wire = await startWire(server.port)
    await using store = redisNonceStore({ url: wire.url, logger: false, timeoutMs: 700 })
    await using other = redisNonceStore({ url: server.url, logger: false, timeoutMs: 5_000 })
    const id = identity()
    await claim(store, identity())
    wire.holdReplies()
    await expect(claim(store, id, { leaseMs: 2_000 })).rejects.toEqual(unavailable())
    expect(await claim(other, another(id))).toBe('in-flight')
    await until(async () => (await claim(other, another(id))) === 'granted-again')
  })
})

describe('a connection that is cut', () => {
  it('within the replies of a batch leaves each claim as it was answered, wherever it is cut (NR1)', async () => {
    await using server = await startRedis()
    await using wire = await startWire(server.port)
    await using store = redisNonceStore({ url: wire.url, logger: false, timeoutMs: 5_000 })
    await using other = redisNonceStore({ url: server.url, logger: false, timeoutMs: 5_000 })
    await claim(store, identity())
    for (let bytes = 1; bytes < 112; bytes += 5) {
      const { connections } = wire
      const [first, second, third] = [identity(), identity(), identity()]
      wire.cutAfter(bytes)
      const answers = await store.claim([first, second, another(first), third].map((id) => claimOf(id)))
      expect(wire.connections, `cut after ${bytes} bytes`).toBeGreaterThan(connections)
      const granted = expect.stringMatching(/^granted(-again)?$/)
      expect(answers).toEqual([granted, granted, 'in-flight', granted])
      expect(await other.claim([first, second, third].map((id) => claimOf(another(id))))).toEqual(
        Array.from({ length: 3 }, () => 'in-flight'),
      )
    }
  }, 60_000)

  it('is made anew within the time of a call (NR3)', async () => {
    await using server = await startRedis()
    await using wire = await startWire(server.port)
    await using store = redisNonceStore({ url: wire.url, logger: false, timeoutMs: 5_000 })
    await claim(store, identity())
    wire.cutAfter(0)
    expect(await claim(store, identity())).toBe('granted')
  })

  it('and stands still is given up, so that the next call has another one (NR3)', async () => {
    await using server = await startRedis()
    await using wire = await startWire(server.port)
    await using store = redisNonceStore({ url: wire.url, logger: false, timeoutMs: 700 })
    await claim(store, identity())
    wire.holdReplies()
    await expect(claim(store, identity())).rejects.toEqual(unavailable())
    wire.letGo()
    const { connections } = wire
    await until(async () => wire.connections > connections || (await claim(store, identity())) === 'granted')
    expect(wire.connections).toBeGreaterThan(1)
  })
})
