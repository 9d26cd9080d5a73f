import { setTimeout as sleep } from 'node:timers/promises'
import { type RedisProcess, startProcess } from './process.ts'

/** Directives of redis.conf, as `{ appendonly: 'yes', appendfsync: 'always' }`. */
export type RedisConfig = Readonly<Record<string, string>>

export interface RedisServer extends RedisProcess {
  /** Makes a replica a server of its own, with what it has. */
  promote(): Promise<void>
}

const waitMs = 30_000
const pollMs = 15

/** Nothing on disk, so that each test says what it wants to outlive a restart. */
const defaults: RedisConfig = { save: '', appendonly: 'no', 'repl-diskless-sync-delay': '0' }

const configArgs = (config: RedisConfig): string[] =>
  Object.entries(config).flatMap(([name, value]) => [`--${name}`, value])

/** Waits until what a command prints says so. */
export async function until(server: RedisProcess, command: readonly string[], says: RegExp): Promise<void> {
  const deadline = performance.now() + waitMs
  for (;;) {
    const text = await server.command(...command).catch(String)
    if (says.test(text)) return
    if (performance.now() > deadline) throw new Error(`${command.join(' ')} never said ${says}: ${text}`)
    await sleep(pollMs)
  }
}

/**
 * Starts redis-server on a free port of the loopback, in a folder of its own, and waits until it answers. It ends with this process,
 * however that ends.
 *
 * @example
 * await using redis = await startRedis({ config: { appendonly: 'yes', appendfsync: 'always' } })
 * await redis.restart()
 */
export async function startRedis({ config = {} }: { config?: RedisConfig } = {}): Promise<RedisServer> {
  const server = await startProcess(({ port, folder, logFile }) =>
    configArgs({ ...defaults, ...config, bind: '127.0.0.1', port: String(port), dir: folder, logfile: logFile }),
  )
  return Object.assign(server, {
    async promote() {
      await server.command('REPLICAOF', 'NO', 'ONE')
      await until(server, ['INFO', 'replication'], /role:master/)
    },
  })
}

/** Starts a replica and waits until it has what the other has. */
export async function startReplica(
  of: RedisServer,
  { config = {} }: { config?: RedisConfig } = {},
): Promise<RedisServer> {
  const replica = await startRedis({ config })
  await replica.command('REPLICAOF', of.host, String(of.port))
  await until(replica, ['INFO', 'replication'], /master_link_status:up/)
  return replica
}
