import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { type RedisTools, redisTools } from '@queue-runtime/system-tools'
import { guardProcess } from './guard.ts'
import { freePort } from './ports.ts'

/** A server process on a port and in a folder of its own, both of which it keeps over restarts. */
export interface RedisProcess extends AsyncDisposable {
  readonly host: '127.0.0.1'
  readonly port: number
  /** As `redis://127.0.0.1:15123`. */
  readonly url: string
  /** Of the process that runs now; undefined while it is stopped. */
  readonly pid: number | undefined
  /**
   * Returns what redis-cli prints for a command, over a connection of its own, without the last line break; rejects with an error
   * reply, or when there is no answer within 5 s.
   */
  command(...args: readonly string[]): Promise<string>
  /** Starts it again after `stop` or `kill`. */
  start(): Promise<void>
  /** Asks it to end (SIGTERM) and waits for that. */
  stop(): Promise<void>
  /** Ends it at once (SIGKILL). */
  kill(): Promise<void>
  /** `stop`, then `start`. */
  restart(): Promise<void>
  /** Halts it (SIGSTOP): it keeps its connections and answers nothing. */
  pause(): void
  resume(): void
  /** Ends it and removes its folder. */
  close(): Promise<void>
}

/** Where a server is to run, from which follow the arguments of redis-server. */
interface Place {
  readonly port: number
  readonly folder: string
  readonly logFile: string
}

type ArgsOf = (place: Place) => readonly string[]

const execute = promisify(execFile)
const startMs = 30_000
const answerMs = 5000
const pollMs = 15
const attempts = 5

const lastLines = (file: string): string => {
  try {
    return readFileSync(file, 'utf8').split('\n').slice(-8).join('\n')
  } catch {
    return ''
  }
}

const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null

/** Starts a server on a free port; where another process took that port first, on another one. */
export async function startProcess(argsOf: ArgsOf): Promise<RedisProcess> {
  const tools = await redisTools()
  for (let attempt = 1; ; attempt++) {
    const server = createProcess(tools, await freePort(), argsOf)
    try {
      await server.start()
      return server
    } catch (error) {
      await server.close()
      if (attempt === attempts || !/Address already in use/.test(String(error))) throw error
    }
  }
}

function createProcess(tools: RedisTools, port: number, argsOf: ArgsOf): RedisProcess {
  const host = '127.0.0.1'
  const folder = mkdtempSync(join(tmpdir(), 'redis-'))
  const logFile = join(folder, 'redis.log')
  let child: ChildProcess | undefined
  let closed = false

  const command = async (...args: readonly string[]): Promise<string> => {
    // -e: an error reply is a failure of redis-cli.
    const address = ['-h', host, '-p', String(port), '-e']
    const { stdout } = await execute(tools.cli, [...address, ...args], { env: tools.env, timeout: answerMs })
    return stdout.replace(/\n$/, '')
  }

  /** Its own word for it: on that port another server may answer. */
  const untilReady = async (starting: ChildProcess): Promise<void> => {
    const deadline = performance.now() + startMs
    for (;;) {
      const info = await command('INFO').catch(String)
      if (info.includes(`process_id:${starting.pid}\r`) && !info.includes('loading:1')) return
      if (hasEnded(starting) || performance.now() > deadline) {
        throw new Error(`redis-server did not start:\n${lastLines(logFile)}`)
      }
      await sleep(pollMs)
    }
  }

  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const ending = child
    if (ending === undefined || hasEnded(ending)) return
    ending.ref()
    const ended = once(ending, 'exit')
    ending.kill(signal)
    // One that is halted sees a signal other than SIGKILL only when it goes on.
    ending.kill('SIGCONT')
    await ended
  }

  const start = async (): Promise<void> => {
    if (closed) throw new Error('This redis-server was closed.')
    if (child !== undefined && !hasEnded(child)) return
    const starting = spawn(tools.server, argsOf({ port, folder, logFile }), {
      env: tools.env,
      cwd: folder,
      stdio: 'ignore',
    })
    child = starting
    await once(starting, 'spawn')
    if (starting.pid !== undefined) starting.once('exit', guardProcess(starting.pid, folder))
    // A test that forgets to close it ends all the same, and it with the test.
    starting.unref()
    await untilReady(starting)
  }

  const close = async (): Promise<void> => {
    closed = true
    await end('SIGKILL')
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  }

  return {
    host,
    port,
    url: `redis://${host}:${port}`,
    get pid() {
      return child === undefined || hasEnded(child) ? undefined : child.pid
    },
    command,
    start,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    async restart() {
      await end('SIGTERM')
      await start()
    },
    pause() {
      child?.kill('SIGSTOP')
    },
    resume() {
      child?.kill('SIGCONT')
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}
