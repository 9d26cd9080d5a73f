import {
  checkOptions,
  type Logger,
  misconfigured,
  type Options,
  option,
  resolveLogger,
} from '@queue-runtime/crypto/provider'
import type { Cluster, ClusterNode, ClusterOptions, Redis, RedisOptions } from 'ioredis'

/** Some nodes of a cluster, from which the others are found, and options as ioredis has them. */
export interface RedisCluster {
  readonly nodes: readonly ClusterNode[]
  readonly options?: ClusterOptions | undefined
}

/**
 * One of the first four:
 *
 * - `url`: `redis://[[user]:password@]host[:port][/db]`, or `rediss://` with TLS
 * - `server`: one server, or Sentinels with the `name` of a master, as ioredis has it. What it says goes before our defaults
 * - `cluster`: a cluster
 * - `client`: a `Redis` or `Cluster` of ioredis of your own, which the store does not close. Give it a `socketTimeout`: a
 *   connection that has silently died is otherwise found out when the system gives up, minutes later. Records are in the
 *   database of its option `db`
 *
 * And:
 *
 * - `prefix`: what keys begin with. Default `qr`. Stores that share records have the same one
 * - `timeoutMs`: after so many milliseconds without an answer a call rejects. Default 800
 * - `waitReplicas`: an answer counts once so many replicas have the record, which takes a round trip to them for each call and
 *   makes a lack of replicas an outage. Default 0. Not on a cluster
 * - `logger`: told of outages and of what is wrong with the configuration of Redis. Default warnings and errors on the console; `false` silences
 */
export interface RedisNonceOptions
  extends Options<{
    url: string
    server: RedisOptions
    cluster: RedisCluster
    client: Redis | Cluster
    prefix: string
    timeoutMs: number
    waitReplicas: number
    logger: Logger | false
  }> {}

/** How Redis is reached. */
type Place =
  | { readonly url: string }
  | { readonly server: RedisOptions }
  | { readonly cluster: RedisCluster }
  | { readonly client: Redis | Cluster }

/** The options with every default filled in. */
export interface RedisNonceSettings {
  readonly place: Place
  readonly prefix: string
  readonly timeoutMs: number
  readonly waitReplicas: number
  readonly logger: Logger
}

const isRedisUrl = (value: unknown): boolean => {
  const url = typeof value === 'string' ? URL.parse(value) : null
  if (url === null || url.hostname === '' || url.search !== '' || url.hash !== '') return false
  return /^rediss?:$/.test(url.protocol) && /^\/?\d*$/.test(url.pathname)
}

const isCluster = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  'nodes' in value &&
  Array.isArray(value.nodes) &&
  value.nodes.length > 0 &&
  Object.keys(value).every((name) => name === 'nodes' || name === 'options')

const PLACES = ['url', 'server', 'cluster', 'client'] as const

const placeOf = (options: RedisNonceOptions): Place => {
  const [name, another] = PLACES.filter((place) => options[place] !== undefined)
  if (name === undefined) throw misconfigured('url', 'is required where there is no server, cluster or client.')
  if (another !== undefined) throw misconfigured(another, `and ${name} are two places; leave one out.`)
  return { [name]: options[name] } as Place
}

/** @throws Configuration with the name of the option, never with its value */
export function redisNonceSettings(options: RedisNonceOptions): RedisNonceSettings {
  checkOptions(options, {
    url: option.that('a redis:// or rediss:// URL without a query', isRedisUrl),
    server: option.object('an object with options of ioredis'),
    cluster: option.that('an object with nodes, at least one, and perhaps options', isCluster),
    client: option.object('a Redis or a Cluster of ioredis', 'pipeline', 'evalsha', 'eval', 'on', 'off'),
    prefix: option.text(/^[A-Za-z0-9_.{}-]{1,64}$/, '1 to 64 characters of A-Z, a-z, 0-9, ., _, -, { and }'),
    timeoutMs: option.wholeNumber(1),
    waitReplicas: option.wholeNumber(0),
    logger: option.logger,
  })
  const { prefix = 'qr', timeoutMs = 800, waitReplicas = 0 } = options
  const place = placeOf(options)
  const isOnCluster = 'cluster' in place || ('client' in place && place.client.isCluster)
  if (isOnCluster && waitReplicas > 0) throw misconfigured('waitReplicas', 'is not for a cluster.')
  return { place, prefix, timeoutMs, waitReplicas, logger: resolveLogger(options.logger) }
}
