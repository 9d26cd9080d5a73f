import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { countsFileVariable } from './count-reporter.ts'
import { steps } from './steps.ts'
import { verify } from './verify.ts'

const [unknown] = process.argv.slice(2)
if (unknown !== undefined) {
  process.stderr.write(`npm test takes no arguments, and was given ${unknown}. Single tests: pnpm unit <path>.\n`)
  process.exit(2)
}

const root = fileURLToPath(new URL('../../..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'verify-'))
const countsFile = join(folder, 'counts.json')

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort(signal))

const colors = process.stdout.isTTY || process.env.FORCE_COLOR !== undefined
const env = {
  ...process.env,
  PATH: [join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter),
  [countsFileVariable]: countsFile,
  ...(colors ? {} : { NO_COLOR: '1' }),
}
const write = (text: string): boolean => process.stdout.write(text)

try {
  const ok = await verify(steps(countsFile, { colors }), { cwd: root, env, stop: stop.signal, write })
  process.exitCode = ok ? 0 : 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
