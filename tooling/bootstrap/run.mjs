/**
 * `node tooling/bootstrap/run.mjs [--no-install] <command> [args...]` runs a command of the repository with the Node and pnpm that it
 * needs and with its dependencies installed. It asks for Node 20, npm and, the first time, a network. Standard output is the command's.
 */
import { fileURLToPath } from 'node:url'
import { endLike, forwardSignals, runQuietly, runShown, Stopped } from './child.mjs'
import { Failure, failureOf } from './failure.mjs'
import { ownNodeFits, ownNodeFolder, ownPnpmFits, wantedTools, withNpmSettingsForPnpm, withPath } from './machine.mjs'
import { fetchedTools } from './tools.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))
const root = fileURLToPath(new URL('../..', import.meta.url))
const shownLines = 12
const longStepMs = 1500

/** @param {string} line */
const say = (line) => process.stderr.write(`${line}\n`)

/** The environment of everything that follows: the right tools first on the path. */
async function prepare() {
  const wanted = wantedTools(root)
  const nodeFits = ownNodeFits(wanted.node)
  const env = { ...withPath(process.env, nodeFits ? [ownNodeFolder()] : []), TURBO_TELEMETRY_DISABLED: '1' }
  const pnpmFits = ownPnpmFits(wanted.pnpmMajor, env)
  if (nodeFits && pnpmFits) return env
  const fetched = await fetchedTools(here, { env, say, wanted })
  return withPath(env, [...(nodeFits ? [] : [fetched.node]), ...(pnpmFits ? [] : [fetched.pnpm])])
}

/** NODE_ENV=production would leave out what builds and tests the repository; the pauses are as short as those of npm in tools.mjs. */
const installArgs = [
  ...['install', '--frozen-lockfile', '--prod=false', '--config.confirmModulesPurge=false'],
  ...['--config.fetch-retry-mintimeout=500', '--config.fetch-retry-maxtimeout=2000'],
]

/** @param {NodeJS.ProcessEnv} env */
async function install(env) {
  const subject = 'Installing dependencies'
  const timer = setTimeout(() => say(`${subject} …`), longStepMs)
  const where = { cwd: root, env: withNpmSettingsForPnpm(env) }
  const output = await runQuietly(subject, 'pnpm', installArgs, where).finally(() => clearTimeout(timer))
  // pnpm only warns about these and reports success, but the tools' own binaries are such dependencies.
  const missing = output.split('\n').filter((line) => line.includes('optional dependency that could not be fetched'))
  if (missing.length > 0) throw failureOf(subject, 'a package could not be fetched', missing.join('\n'))
}

/** @param {string[]} args */
async function main(args) {
  const skipsInstall = args[0] === '--no-install'
  const [command, ...rest] = skipsInstall ? args.slice(1) : args
  if (command === undefined)
    throw new Failure('Usage: node tooling/bootstrap/run.mjs [--no-install] <command> [args...]')
  const env = await prepare()
  if (!skipsInstall) await install(env)
  endLike(await runShown(command, rest, { cwd: root, env }))
}

forwardSignals()
try {
  await main(process.argv.slice(2))
} catch (error) {
  if (error instanceof Stopped) {
    endLike({ code: null, signal: error.signal })
  } else if (error instanceof Failure) {
    const lines = error.output.split('\n').filter((line) => !/^(npm error)?\s*$/.test(line))
    for (const line of [error.message, ...lines.slice(-shownLines).map((line) => `  ${line}`)]) say(line)
    process.exitCode = 1
  } else {
    throw error
  }
}
