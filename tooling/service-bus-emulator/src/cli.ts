import { readFile } from 'node:fs/promises'
import { type CliOptions, parseCli, USAGE } from './cli-options.ts'
import { type ServiceBusEmulator, startServiceBusEmulator } from './emulator.ts'

/** It ran until it was told to stop; it could not start; a command line that cannot be read. */
const EXIT = { good: 0, failed: 1, usage: 2 } as const

interface TextStream {
  write(text: string): unknown
}

export interface CliSurroundings {
  readonly stdout: TextStream
  readonly stderr: TextStream
  /** Aborts when it is to stop. */
  readonly stop: AbortSignal
}

async function start({ queues, host, port, tls }: CliOptions): Promise<ServiceBusEmulator> {
  const files = tls && { key: await readFile(tls.key), cert: await readFile(tls.cert) }
  return startServiceBusEmulator({ queues, host, port, tls: files })
}

const stopped = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })

/** Runs what `args` ask for and resolves with the exit code, when it is stopped. */
export async function runCli(args: readonly string[], { stdout, stderr, stop }: CliSurroundings): Promise<number> {
  const options = parseCli(args)
  if ('error' in options) {
    stderr.write(`${options.error}\n`)
    return EXIT.usage
  }
  if (options.help) {
    stdout.write(USAGE)
    return EXIT.good
  }
  let emulator: ServiceBusEmulator
  try {
    emulator = await start(options)
  } catch (error) {
    stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    return EXIT.failed
  }
  stdout.write(`${emulator.connectionString}\n`)
  stderr.write(`${Object.keys(options.queues).join(', ')} on ${emulator.host}; end with Ctrl-C.\n`)
  await stopped(stop)
  await emulator.close()
  return EXIT.good
}
