import { setTimeout as sleep } from 'node:timers/promises'
import {
  type RedisSentinel,
  type RedisServer,
  startRedis,
  startReplica,
  startSentinel,
} from '@queue-runtime/redis-server'
import type { Random } from './random.ts'

export type Outage = 'stop' | 'pause' | 'failover'

/** A master with one replica, both of which write each command to disk before they answer, and a Sentinel. */
export interface RedisWeather {
  readonly sentinel: RedisSentinel
  /** Goes through one outage, to its end. */
  outage(kind: Outage): Promise<void>
  close(): Promise<void>
}

const config = { appendonly: 'yes', appendfsync: 'always' }
const neverMs = 600_000
const soonMs = 400
const pollMs = 50
const failoverMs = 60_000
/** Nobody listens there. */
const nowhere = ['127.0.0.1', '1'] as const

/** How long an outage lasts, at least and at most. */
const lasts = [300, 2_000] as const

export async function startRedisWeather(random: Random): Promise<RedisWeather> {
  let master = await startRedis({ config })
  let replica = await startReplica(master, { config })
  // It takes part only where it is wanted: otherwise any outage could become a failover.
  const sentinel = await startSentinel(master, { downAfterMs: neverMs })
  const setDownAfter = (ms: number): Promise<string> =>
    sentinel.command('SENTINEL', 'SET', sentinel.masterName, 'down-after-milliseconds', String(ms))
  const last = (): Promise<void> => sleep(random.between(...lasts))

  const untilMasterIs = async ({ port }: RedisServer): Promise<void> => {
    const deadline = performance.now() + failoverMs
    while ((await sentinel.masterPort()) !== port) {
      if (performance.now() > deadline) throw new Error('The Sentinel did not make the replica the master.')
      await sleep(pollMs)
    }
  }

  const outages: Readonly<Record<Outage, () => Promise<void>>> = {
    async stop() {
      await (random.chance(0.5) ? master.stop() : master.kill())
      await last()
      await master.start()
    },
    async pause() {
      master.pause()
      await last()
      master.resume()
    },
    /**
     * The replica loses its master first, so that it lacks what was confirmed since: without WAIT that would have been told as
     * confirmed. Where the old master was only paused, it goes on for a moment as if it still were one.
     */
    async failover() {
      await replica.command('REPLICAOF', ...nowhere)
      await sleep(random.between(500, 1_500))
      const isKilled = random.chance(0.5)
      await (isKilled ? master.kill() : master.pause())
      await setDownAfter(soonMs)
      await untilMasterIs(replica)
      await setDownAfter(neverMs)
      await (isKilled ? master.start() : master.resume())
      await sleep(random.between(0, 500))
      await master.command('REPLICAOF', replica.host, String(replica.port))
      ;[master, replica] = [replica, master]
    },
  }

  return {
    sentinel,
    outage: (kind) => outages[kind](),
    async close() {
      await Promise.all([sentinel.close(), replica.close(), master.close()])
    },
  }
}
