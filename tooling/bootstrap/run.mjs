/**
 * `node tooling/bootstrap/run.mjs [--no-install | --build <package>] <command> [args...]` runs a command of the repository with the Node
 * and pnpm that it needs, with its dependencies installed and, where asked, a package built. It asks for Node 20, npm and, the first time, a network. Standard output is the command's.
 */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { endLike, forwardSignals, runAside, runQuietly, runShown, Stopped } from './child.mjs'
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

/**
 * Builds a package and what it needs. A step of ours, not of a shell: turbo, told to stop as it ends, reports success.
 *
 * @param {string} target
 * @param {NodeJS.ProcessEnv} env
 */
async function build(target, env) {
  const turboArgs = ['run', 'build', `--filter=${target}`, '--output-logs=errors-only']
  return await runAside(join(root, 'node_modules/.bin/turbo'), turboArgs, { cwd: root, env })
}

/** @param {string[]} args */
async function main(args) {
  const skipsInstall = args[0] === '--no-install'
  const target = args[0] === '--build' ? args[1] : undefined
  const [command, ...rest] = args.slice(target !== undefined ? 2 : Number(skipsInstall))
  if (command === undefined)
    throw new Failure('Usage: node tooling/bootstrap/run.mjs [--no-install | --build <package>] <command> [args...]')
  const env = await prepare()
  if (!skipsInstall) await install(env)
  if (target !== undefined) {
    const built = await build(target, env)
    if (built.code !== 0) return endLike(built)
  }
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
