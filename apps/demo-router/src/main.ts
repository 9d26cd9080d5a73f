import { listenForStop } from './stop.ts'

const { stdout, stderr } = process
// Whoever closed the other end of a pipe wants no more of it.
for (const stream of [stdout, stderr]) stream.on('error', () => {})
const { stopped, calm } = listenForStop()
const args = process.argv.slice(2)
/** A command line, or an environment, that cannot be read. */
const EXIT_USAGE = 2
/** What runs as a process of its own, told everything by its environment; all else is the demo. */
const PROCESSES = ['router', 'bot', 'keys']

if (PROCESSES.includes(args[0] ?? '')) {
  const { runProcess } = await import('./process/command.ts')
  const write = (line: string): void => void stdout.write(`${line}\n`)
  const code = await runProcess(args, { environment: process.env, write, stopped })
  await calm()
  // A poll that is under way at the broker would hold the process for as long as it lasts.
  process.exit(code)
}

// What is for the demo alone is loaded for the demo alone.
const [{ runCli }, { openDemo }, { openDemoTelemetry }] = await Promise.all([
  import('./cli.ts'),
  import('./demo/demo.ts'),
  import('./demo/telemetry.ts'),
])
const telemetry = openDemoTelemetry(process.env, (line) => void stderr.write(`${line}\n`))
process.exitCode =
  telemetry === undefined
    ? EXIT_USAGE
    : await runCli(args, {
        ...{ stdout, stderr, stopped },
        openDemo: (options) => openDemo({ ...options, telemetry }),
      })
await telemetry?.close()
await calm()
