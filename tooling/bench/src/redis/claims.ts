import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { NonceClaim } from '@queue-runtime/crypto'
import { type RedisNonceStore, redisNonceStore } from '@queue-runtime/nonce-store-redis'
import type { RedisServer } from '@queue-runtime/redis-server'
import { redisTools } from '@queue-runtime/system-tools'
import { Redis } from 'ioredis'
import { freshClaims, type Sent } from './sent.ts'

/** How claims come: so many in a batch, and so many batches under way at once. */
export interface Load {
  readonly depth: number
  readonly atOnce: number
}

/** Makes claims on a server. */
export interface ClaimContender {
  readonly name: string
  /** Resolves with the microseconds per claim of about `count` claims. */
  run(load: Load, count: number): Promise<number>
  close(): Promise<void>
}

/** Has the work done in as many lanes as there are batches at once; each takes the next batch when its own is done. */
const inLanes = async <T>(batches: readonly T[], { atOnce }: Load, work: (batch: T) => Promise<unknown>) => {
  const rest = batches.values()
  const lane = async (): Promise<void> => {
    for (const batch of rest) await work(batch)
  }
  const startedAt = performance.now()
  await Promise.all(Array.from({ length: atOnce }, lane))
  return performance.now() - startedAt
}

/** Made before the time is taken, as crypto has them when it claims. */
const batchesOf = ({ depth }: Load, count: number): NonceClaim[][] =>
  Array.from({ length: Math.ceil(count / depth) }, () => freshClaims(depth))

const perClaim = (elapsedMs: number, batches: readonly (readonly unknown[])[]): number =>
  (elapsedMs * 1_000) / batches.reduce((sum, batch) => sum + batch.length, 0)

const execute = promisify(execFile)

/** The C program of Redis, with a connection for each batch that is under way. */
export async function redisBenchmark(server: RedisServer, [hash, count, key, ...rest]: Sent): Promise<ClaimContender> {
  const { benchmark, env } = await redisTools()
  // It writes twelve digits in the place of this.
  const randomKey = `${key.slice(0, -12)}__rand_int__`
  return {
    name: 'redis-benchmark',
    async run({ depth, atOnce }, total) {
      const numbers = { p: server.port, c: atOnce, P: depth, n: Math.ceil(total / depth) * depth, r: 1e12 }
      const options = Object.entries(numbers).flatMap(([name, value]) => [`-${name}`, String(value)])
      const args = [...options, '--csv', 'EVALSHA', hash, count, randomKey, ...rest]
      const { stdout } = await execute(benchmark, args, { env })
      // "command","rps","avg_latency_ms",…
      const perSecond = Number(/^"EVALSHA.*?","([\d.]+)"/m.exec(stdout)?.[1])
      return 1_000_000 / perSecond
    },
    close: async () => {},
  }
}

const base64 = (nonce: Uint8Array): string =>
  Buffer.from(nonce.buffer, nonce.byteOffset, nonce.byteLength).toString('base64url')

/** The same command in pipelines of ioredis, without a store around it. */
export function bareIoredis({ url }: RedisServer, [hash, count, key, ...rest]: Sent): ClaimContender {
  const client = new Redis(url)
  const prefix = key.slice(0, -16)
  return {
    name: 'ioredis, a bare pipeline',
    async run(load, total) {
      const batches = batchesOf(load, total)
      const elapsedMs = await inLanes(batches, load, (claims) => {
        const pipeline = client.pipeline()
        for (const { nonce } of claims) pipeline.evalsha(hash, count, prefix + base64(nonce), ...rest)
        return pipeline.exec()
      })
      return perClaim(elapsedMs, batches)
    },
    close: async () => client.disconnect(),
  }
}

const granted = async (store: RedisNonceStore, batch: readonly NonceClaim[]): Promise<void> => {
  const answers = await store.claim(batch)
  if (!answers.every((answer) => answer === 'granted')) throw new Error('A fresh claim was not granted.')
}

export function ourStore({ url }: RedisServer): ClaimContender {
  // Patient: a slow machine is to be measured, not given up.
  const store = redisNonceStore({ url, logger: false, timeoutMs: 30_000 })
  return {
    name: 'redisNonceStore',
    async run(load, total) {
      const batches = batchesOf(load, total)
      return perClaim(await inLanes(batches, load, (batch) => granted(store, batch)), batches)
    },
    close: () => store.close(),
  }
}
