import type { NonceStore } from '@queue-runtime/crypto'
import { abortable, type CallOptions } from '@queue-runtime/crypto/provider'
import type { Cluster, Redis } from 'ioredis'
import { createAsking } from './asking.ts'
import { createConnection } from './connection.ts'
import { fromRedis, unavailable } from './errors.ts'
import { clusterLink, serverLink } from './link.ts'
import { type RedisNonceOptions, redisNonceSettings } from './options.ts'
import { type Ask, asksWith } from './script.ts'
import { checkServer } from './server-check.ts'
import { createTimeLimit } from './time-limit.ts'
import { createWatch } from './watch.ts'

/** A nonce store whose connection is to be closed, unless it was given a client. */
export interface RedisNonceStore extends NonceStore, AsyncDisposable {
  /**
   * Resolves with what weakens the protection in the configuration of Redis, a sentence each; empty where there is nothing to
   * say. The store looks by itself at its first call and after each new connection, and logs what it finds as warnings.
   *
   * @throws NonceStoreUnavailable · `signal.reason`
   */
  check(options?: CallOptions): Promise<string[]>
  /** Waits for the calls that are under way and closes a connection of the store's own. Later calls reject. */
  close(): Promise<void>
}

/**
 * Returns a nonce store on Redis, shared by all processes that have the same server and prefix. It connects with the first
 * call. Leases and records go by the clock of the server. Every failure is NonceStoreUnavailable, within `timeoutMs`: nothing
 * is handed over then. A call that rejected may have been carried out, and will not be any more.
 *
 * @throws Configuration with the name of the option
 * @example
 * const nonceStore = redisNonceStore({ url: 'rediss://nonces:secret@redis.internal:6379' })
 * const crypto = messageCrypto({ enabled: true, keyProvider, nonceStore })
 */
export function redisNonceStore(options: RedisNonceOptions): RedisNonceStore {
  const settings = redisNonceSettings(options)
  const { prefix, timeoutMs, waitReplicas } = settings
  const connection = createConnection(settings)
  const { client } = connection
  const link = client.isCluster ? clusterLink(client as Cluster) : serverLink(client as Redis, waitReplicas)
  const limit = createTimeLimit(timeoutMs, connection.trouble)
  const asking = createAsking(link, timeoutMs, limit)
  const { claim, renew, settle } = asksWith(prefix)
  const watch = createWatch(client, settings)
  const running = new Set<Promise<unknown>>()
  let isClosed = false

  /** Is waited for by `close`. */
  const run = async <T>(work: () => Promise<T>): Promise<T> => {
    if (isClosed) throw unavailable('closed')
    const result = work()
    running.add(result)
    try {
      return await result
    } finally {
      running.delete(result)
    }
  }

  /** Crypto refuses an answer that is none (`checkedNonceStore`). */
  const ask = async <T extends string>(asks: readonly Ask[]): Promise<T[]> => {
    if (asks.length === 0) return []
    try {
      const answers = await run(() => asking(asks))
      watch.answered()
      return answers as T[]
    } catch (error) {
      const failure = fromRedis(error)
      if (!isClosed) watch.failed(failure)
      throw failure
    }
  }

  const askOne = async <T extends string>(one: Ask): Promise<T> => (await ask<T>([one]))[0] as T

  const close = async (): Promise<void> => {
    isClosed = true
    await Promise.allSettled(running)
    watch.close()
    connection.close()
  }

  return {
    claim: async (requests) => ask(requests.map(claim)),
    renew: async (id, leaseMs) => askOne(renew(id, leaseMs)),
    confirm: async (id, retainMs) => askOne(settle('confirm', id, retainMs)),
    release: async (id, retainMs) => askOne(settle('release', id, retainMs)),
    async check({ signal } = {}) {
      signal?.throwIfAborted()
      const findings = run(() => limit(checkServer(client, waitReplicas)))
      return signal === undefined ? findings : abortable(findings, signal)
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}
