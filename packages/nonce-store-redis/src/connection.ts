import { Cluster, Redis, type RedisOptions } from 'ioredis'
import type { RedisNonceSettings } from './options.ts'

/** A client of ioredis, and whose it is. */
export interface Connection {
  readonly client: Redis | Cluster
  /** The last error of a connection of our own, since it was last ready: what a call that times out has waited for. */
  trouble(): unknown
  /** Ends a connection of our own, without waiting for anybody. */
  close(): void
}

const LONGEST_PAUSE_MS = 1_000

/** Quick at first, and spread, so that not all clients come back in the same moment. */
const pauseBefore = (times: number): number =>
  Math.min(50 * 2 ** Math.min(times - 1, 10), LONGEST_PAUSE_MS) * (0.75 + Math.random() / 2)

const defaultsFor = (timeoutMs: number) =>
  ({
    lazyConnect: true,
    connectionName: 'queue-runtime',
    connectTimeout: Math.max(timeoutMs, 2_000),
    // A connection whose other end is gone or stands still is given up as soon as a call on it is.
    socketTimeout: timeoutMs,
    // Calls that are over wait no longer than a few attempts for a connection.
    maxRetriesPerRequest: 4,
    retryStrategy: pauseBefore,
    // After a failover the old master is a replica: the next connection finds the new one.
    reconnectOnError: ({ message }) => message.includes('READONLY'),
  }) satisfies RedisOptions

/** Replies as they have always been. */
const SHAPES = { replyMapping: 'legacy' } as const

const clientFor = ({ place, timeoutMs }: RedisNonceSettings): Redis | Cluster => {
  const defaults = defaultsFor(timeoutMs)
  if ('client' in place) return place.client
  if ('url' in place) return new Redis(place.url, defaults)
  if ('server' in place) {
    return new Redis({ ...defaults, sentinelCommandTimeout: timeoutMs, ...place.server, ...SHAPES })
  }
  const { nodes, options } = place.cluster
  // A node that is gone is looked for among the others, which ioredis does as soon as it has no connection to it.
  const { lazyConnect, retryStrategy, reconnectOnError, ...ofEachNode } = defaults
  return new Cluster([...nodes], {
    lazyConnect: true,
    slotsRefreshTimeout: timeoutMs,
    ...options,
    redisOptions: { ...ofEachNode, ...options?.redisOptions, ...SHAPES },
  })
}

/** Connects with the first command. */
export function createConnection(settings: RedisNonceSettings): Connection {
  const client = clientFor(settings)
  // Nobody may listen for the errors of another one's client: they would no longer be heard of.
  if ('client' in settings.place) return { client, trouble: () => undefined, close: () => {} }
  let trouble: unknown
  const note = (error: unknown): void => {
    trouble = error
  }
  client.on('error', note)
  client.on('node error', note)
  client.on('ready', () => note(undefined))
  return { client, trouble: () => trouble, close: () => client.disconnect() }
}
