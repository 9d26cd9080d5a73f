import { setImmediate as turn } from 'node:timers/promises'
import type { BackendNames } from './backends/backends.ts'
import { type CliOptions, parseCli, USAGE } from './cli-options.ts'
import type { Demo, DemoOptions } from './demo/demo.ts'
import { EMBEDDED } from './demo/ground.ts'
import { createProgressPrinter, type TextStream } from './progress.ts'
import { reportLine, reportText } from './report.ts'

/** A good run; something went wrong in it; a command line that cannot be read; stopped before the end. */
const EXIT = { good: 0, bad: 1, usage: 2, stopped: 130 } as const

/** What the command line talks to. */
export interface CliParts {
  readonly stdout: TextStream
  readonly stderr: TextStream
  readonly openDemo: (options: DemoOptions) => Promise<Demo>
  /** Resolves when somebody wants the program to end. */
  readonly stopped: Promise<void>
}

const startFailure = (error: unknown, port: number): string => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
  if (code === 'EADDRINUSE') return `Port ${port} is in use; choose another with --port.`
  if (code === 'EACCES') return `The demo may not listen on port ${port}; choose another with --port.`
  // Such as a local server whose program is not installed.
  return `The demo cannot start: ${error instanceof Error ? error.message : code}`
}

/** Which servers are started beside what is embedded. */
const localServers = (beginning: string, { queue, keys, nonces }: BackendNames, end: string): string => {
  const isEmbedded = queue === EMBEDDED.queue && keys === EMBEDDED.keys && nonces === EMBEDDED.nonces
  return isEmbedded ? '' : `${beginning}: queues on ${queue}, keys in ${keys}, nonces in ${nonces}${end}\n`
}

/** Runs the demo as `args` say and resolves with its exit code, everything closed. */
export async function runCli(args: readonly string[], parts: CliParts): Promise<number> {
  const { stdout, stderr, stopped } = parts
  const options = parseCli(args)
  if ('error' in options) {
    stderr.write(`${options.error}\n`)
    return EXIT.usage
  }
  if (options.help) {
    stdout.write(USAGE)
    return EXIT.good
  }
  const human = options.json ? stderr : stdout
  const stopping = new AbortController()
  void stopped.then(() => {
    // On a terminal a line of progress, and the ^C, may stand there.
    human.write(`${human.isTTY ? '\n' : ''}Stopping …\n`)
    stopping.abort()
  })
  human.write(localServers('Starting local servers', options.backends, ' …'))
  const demo = await open(options, human, stopping.signal, parts)
  // Loading and opening may leave Node no moment to hear a signal.
  await turn()
  if (stopping.signal.aborted) {
    await demo?.close()
    return EXIT.stopped
  }
  if (demo === undefined) return EXIT.bad
  try {
    human.write(`Router, broker and three bots are up; the page is at ${demo.url}/\n`)
    human.write(localServers('Local servers stand in', options.backends, '.'))
    const result = await Promise.race([demo.run(), stopped])
    if (result === undefined) return EXIT.stopped
    human.write(`${reportText(result)}\n`)
    if (options.json) stdout.write(`${reportLine(result)}\n`)
    if (!options.once) {
      await demo.live()
      human.write(`See what the broker stored beside what the bots read: ${demo.url}/ (Ctrl-C ends)\n`)
      await stopped
    }
    return result.failures.length === 0 ? EXIT.good : EXIT.bad
  } finally {
    await demo.close()
  }
}

const open = async (
  { port, backends }: Pick<CliOptions, 'port' | 'backends'>,
  human: TextStream,
  signal: AbortSignal,
  parts: CliParts,
): Promise<Demo | undefined> => {
  /** What fails because all is being taken down is no news. */
  const warn = (line: string): void => {
    if (!signal.aborted) parts.stderr.write(`${line}\n`)
  }
  try {
    return await parts.openDemo({ port, backends, warn, signal, onProgress: createProgressPrinter(human) })
  } catch (error) {
    warn(startFailure(error, port))
    return undefined
  }
}
