import { redisNonceStore } from '@queue-runtime/nonce-store-redis'
import type { RedisServer } from '@queue-runtime/redis-server'
import { freshClaims } from './sent.ts'

const BATCH = 1_000

const usedBy = async (server: RedisServer): Promise<number> =>
  Number(/^used_memory:(\d+)/m.exec(await server.command('INFO', 'memory'))?.[1])

const shown = async (server: RedisServer): Promise<string> => {
  const key = await server.command('RANDOMKEY')
  return server.command('MEMORY', 'USAGE', key)
}

/** Resolves with what a record takes, claimed and completed, as lines. */
export async function memoryLines(server: RedisServer, count: number): Promise<string[]> {
  await server.command('FLUSHALL')
  const store = redisNonceStore({ url: server.url, logger: false, timeoutMs: 30_000 })
  await store.claim(freshClaims(1))
  await server.command('FLUSHALL')
  const empty = await usedBy(server)
  const claims = freshClaims(count)
  for (let at = 0; at < count; at += BATCH) await store.claim(claims.slice(at, at + BATCH))
  const claimed = (await usedBy(server)) - empty
  const usageClaimed = await shown(server)
  for (let at = 0; at < count; at += BATCH) {
    await Promise.all(claims.slice(at, at + BATCH).map((claim) => store.confirm(claim, claim.retainMs)))
  }
  const completed = (await usedBy(server)) - empty
  const usageCompleted = await shown(server)
  await store.close()
  const line = (what: string, bytes: number, usage: string): string =>
    `a record that is ${what}: ${Math.round(bytes / count)} bytes of used_memory, ${usage} by MEMORY USAGE (${count} records)`
  return [line('claimed', claimed, usageClaimed), line('completed', completed, usageCompleted)]
}
