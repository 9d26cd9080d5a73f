import type { LocalServer, StartLocal } from './local-server.ts'

const memory: StartLocal<LocalServer> = async () => ({
  variables: { NONCE_STORE: 'memory' },
  embedded: {},
  async close() {},
})

const redis: StartLocal<LocalServer> = async () => {
  const { startRedis } = await import('@queue-runtime/redis-server')
  // What a nonce store needs: records that nothing drops, and that outlive a restart.
  const server = await startRedis({ config: { appendonly: 'yes', 'maxmemory-policy': 'noeviction' } })
  return {
    variables: { NONCE_STORE: 'redis', REDIS_URL: server.url },
    embedded: {},
    close: () => server.close(),
  }
}

/** The local nonce stores, by name. */
export const LOCAL_NONCES: Readonly<Record<string, StartLocal<LocalServer>>> = { memory, redis }
