import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/** A program of a user, in a folder of its own. */
export interface Consumer {
  readonly folder: string
  /** Every package in it, by name. */
  readonly installed: readonly string[]
}

/** Installs packages with npm into an empty folder below `parent`. */
export async function install(parent: string, registry: string, names: readonly string[]): Promise<Consumer> {
  const folder = mkdtempSync(join(parent, 'consumer-'))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true }))
  writeFileSync(join(folder, '.npmrc'), '')
  const own = {
    npm_config_registry: registry,
    npm_config_userconfig: join(folder, '.npmrc'),
    npm_config_cache: join(parent, 'cache'),
  }
  await output('npm', ['install', '--no-audit', '--no-fund', '--no-update-notifier', ...names], folder, {
    ...bareEnvironment(),
    ...own,
  })
  const lock: { packages: Record<string, unknown> } = JSON.parse(
    readFileSync(join(folder, 'package-lock.json'), 'utf8'),
  )
  const paths = Object.keys(lock.packages).filter((path) => path !== '')
  return { folder, installed: paths.map((path) => path.replace(/^node_modules\//, '')).sort() }
}

/** What a command prints, on both streams: nothing is expected on standard error. */
export async function output(
  command: string,
  args: readonly string[],
  cwd: string,
  env = bareEnvironment(),
): Promise<string> {
  const { stdout, stderr } = await execute(command, args, { cwd, env })
  return stdout + stderr
}

/** The settings of the npm and the vitest that started us are not the user's. */
function bareEnvironment(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, HOME: process.env.HOME, NO_COLOR: '1' }
}
