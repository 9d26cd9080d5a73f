import { runCli } from './cli.ts'
import { openDemo } from './demo/demo.ts'
import { listenForStop } from './stop.ts'

const { stdout, stderr } = process
// Whoever closed the other end of a pipe wants no more of it.
for (const stream of [stdout, stderr]) stream.on('error', () => {})
const { stopped, calm } = listenForStop()
process.exitCode = await runCli(process.argv.slice(2), { stdout, stderr, openDemo, stopped })
await calm()
