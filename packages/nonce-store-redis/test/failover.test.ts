import { redisNonceStore } from '@queue-runtime/nonce-store-redis'
import { type RedisServer, startRedis, startReplica, startSentinel } from '@queue-runtime/redis-server'
import { describe, expect, it } from 'vitest'
import { needsRedis } from './redis-here.ts'
import { another, claim, identity, LONG, timed, unavailable, until } from './support.ts'
import { startWire } from './wire.ts'

needsRedis()

describe.concurrent('a failover', { timeout: 120_000 }, () => {
  it('to a replica under the same name keeps what it has taken over (NR3, attack 18)', async () => {
    await using master = await startRedis()
    await using replica = await startReplica(master)
    await using wire = await startWire(master.port)
    await using store = redisNonceStore({ url: wire.url, logger: false, waitReplicas: 0 })
    const [held, done] = [identity(), identity()]
    await claim(store, held)
    await claim(store, done)
    await store.confirm(done, LONG.retainMs)
    await until(async () => (await replica.command('DBSIZE')) === '2')
    await replica.promote()
    await master.kill()
    wire.leadTo(replica.port)
    await until(async () => (await claim(store, another(held)).catch(String)) === 'in-flight')
    expect(await claim(store, another(done))).toBe('completed')
    expect(await store.confirm(held, LONG.retainMs)).toBe('ok')
  })

  it('that leaves the old master a replica is followed: it takes no writes, and a new connection is made (NR3)', async () => {
    await using master = await startRedis()
    await using replica = await startReplica(master)
    await using wire = await startWire(master.port)
    await using store = redisNonceStore({ url: wire.url, logger: false })
    const id = identity()
    await claim(store, id)
    await until(async () => (await replica.command('DBSIZE')) === '1')
    await replica.promote()
    await master.command('REPLICAOF', replica.host, String(replica.port))
    const { connections } = wire
    await expect(claim(store, identity())).rejects.toEqual(unavailable(/is a replica/))
    wire.leadTo(replica.port)
    await until(async () => (await claim(store, another(id)).catch(String)) === 'in-flight')
    expect(wire.connections).toBeGreaterThan(connections)
  })

  it('by Sentinel is followed, each call meanwhile is answered within 1 s (NR3)', async () => {
    await using master = await startRedis()
    await using replica = await startReplica(master)
    await using sentinel = await startSentinel(master)
    const { host, port, masterName } = sentinel
    await using store = redisNonceStore({
      server: { sentinels: [{ host, port }], name: masterName },
      logger: false,
    })
    const [held, done] = [identity(), identity()]
    await claim(store, held)
    await claim(store, done)
    await store.confirm(done, LONG.retainMs)
    await until(async () => (await replica.command('DBSIZE')) === '2')
    await master.kill()
    await until(async () => {
      let answer: unknown
      const tookMs = await timed(async () => {
        answer = await claim(store, another(held)).catch((error: unknown) => error)
      })
      expect(tookMs).toBeLessThan(1_000)
      if (answer !== 'in-flight') expect(answer).toEqual(unavailable())
      return answer === 'in-flight'
    })
    expect(await sentinel.masterPort()).toBe(replica.port)
    expect(await claim(store, another(done))).toBe('completed')
    expect(await store.confirm(held, LONG.retainMs)).toBe('ok')
  })
})

/** A replica that is up takes a moment until it is sent what is written. */
const startWaited = async (master: RedisServer): Promise<RedisServer> => {
  const replica = await startReplica(master)
  await master.command('SET', 'first', '1')
  await until(async () => (await replica.command('GET', 'first')) === '1')
  await master.command('DEL', 'first')
  await until(async () => (await replica.command('DBSIZE')) === '0')
  return replica
}

describe.concurrent('waitReplicas', { timeout: 120_000 }, () => {
  it('has the replica know of each answer, so that no failover loses it (NR3)', async () => {
    await using master = await startRedis()
    await using replica = await startWaited(master)
    await using store = redisNonceStore({ url: master.url, logger: false, waitReplicas: 1 })
    for (let count = 1; count <= 50; count += 1) {
      await claim(store, identity())
      expect(await replica.command('DBSIZE')).toBe(String(count))
    }
  })

  it('makes a lack of replicas an outage; whoever claims again has his own claim (NR3, A29)', async () => {
    await using master = await startRedis()
    await using replica = await startWaited(master)
    await using store = redisNonceStore({ url: master.url, logger: false, waitReplicas: 1 })
    const id = identity()
    await claim(store, identity())
    replica.pause()
    const tookMs = await timed(() =>
      expect(claim(store, id)).rejects.toEqual(unavailable(/^0 of 1 replicas have taken the record over in time/)),
    )
    expect(tookMs).toBeLessThan(1_000)
    replica.resume()
    await until(async () => (await claim(store, another(id)).catch(String)) === 'in-flight')
    expect(await claim(store, id)).toBe('granted-again')
    expect(await store.confirm(id, LONG.retainMs)).toBe('ok')
  })
})
