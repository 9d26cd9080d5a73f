import { runCli } from './cli.ts'
import { openDemo } from './demo/demo.ts'
import { untilStopped } from './stop.ts'

const { stdout, stderr } = process
// Whoever closed the other end of a pipe wants no more of it.
for (const stream of [stdout, stderr]) stream.on('error', () => {})
process.exitCode = await runCli(process.argv.slice(2), { stdout, stderr, openDemo, stopped: untilStopped() })
