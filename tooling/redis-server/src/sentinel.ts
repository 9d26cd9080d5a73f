import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type RedisProcess, startProcess } from './process.ts'
import { type RedisServer, until } from './server.ts'

export interface RedisSentinel extends RedisProcess {
  /** The name that clients ask for. */
  readonly masterName: string
  /** The port of the server that it holds for the master now. */
  masterPort(): Promise<number>
}

const masterName = 'main'

/**
 * Starts one Sentinel that decides alone, and waits until it knows the master's replicas.
 *
 * @param downAfterMs for how long the master answers nothing before another one takes its place
 */
export async function startSentinel(
  master: RedisServer,
  { replicas = 1, downAfterMs = 300 }: { replicas?: number; downAfterMs?: number } = {},
): Promise<RedisSentinel> {
  const sentinel = await startProcess(({ port, folder, logFile }) => {
    const file = join(folder, 'sentinel.conf')
    const lines = [
      'bind 127.0.0.1',
      `port ${port}`,
      `dir ${folder}`,
      `logfile ${logFile}`,
      `sentinel monitor ${masterName} ${master.host} ${master.port} 1`,
      `sentinel down-after-milliseconds ${masterName} ${downAfterMs}`,
      `sentinel failover-timeout ${masterName} 2000`,
    ]
    writeFileSync(file, `${lines.join('\n')}\n`)
    return [file, '--sentinel']
  })
  await until(sentinel, ['INFO', 'sentinel'], new RegExp(`status=ok,.*slaves=${replicas},`))
  return Object.assign(sentinel, {
    masterName,
    async masterPort() {
      const address = await sentinel.command('SENTINEL', 'get-master-addr-by-name', masterName)
      return Number(address.split('\n')[1])
    },
  })
}
