import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { runQuietly } from './child.mjs'
import { Failure, failureOf } from './failure.mjs'

/** A build folder older than this was left by a run that was killed. */
const abandonedMs = 60 * 60 * 1000

/** The pauses: npm's own, 10 s and more, would keep a reader without a network waiting for over a minute. */
const npmCi = [
  ...['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--no-update-notifier'],
  ...['--fetch-retry-mintimeout=500', '--fetch-retry-maxtimeout=2000'],
]

/**
 * The folders that hold node and pnpm of the locked versions, fetched through npm where that was not done before.
 *
 * @param {string} here the folder with package.json, package-lock.json and the cache
 * @param {{ env: NodeJS.ProcessEnv, say: (line: string) => void, wanted: { node: string, pnpmMajor: string } }} options
 * @returns {Promise<{ node: string, pnpm: string }>}
 */
export async function fetchedTools(here, { env, say, wanted }) {
  const platform = `${process.platform}-${process.arch}`
  const manifest = readFileSync(join(here, 'package.json'), 'utf8')
  const lock = readFileSync(join(here, 'package-lock.json'), 'utf8')
  const node = `node-${platform}`
  const pnpm = `@pnpm/exe.${platform}`
  const { [node]: nodeVersion, [pnpm]: pnpmVersion } = JSON.parse(manifest).optionalDependencies
  if (nodeVersion === undefined || pnpmVersion === undefined) {
    throw new Failure(
      `There is no Node and pnpm to fetch for ${platform}: install Node >= ${wanted.node} and pnpm ${wanted.pnpmMajor} by hand and ` +
        'run the same command again.',
    )
  }

  const hash = createHash('sha256').update(manifest).update(lock).digest('hex').slice(0, 16)
  const finished = join(here, '.cache', `${hash}-${platform}`)
  if (!existsSync(finished)) {
    const subject = `Fetching Node ${nodeVersion} and pnpm ${pnpmVersion}`
    say(`${subject} (once) …`)
    const files = filesFor({ [node]: nodeVersion, [pnpm]: pnpmVersion }, JSON.parse(lock))
    await build(finished, { subject, files, env })
  }
  return { node: join(finished, 'node_modules', node, 'bin'), pnpm: join(finished, 'node_modules', pnpm) }
}

/**
 * package.json and lock of this platform's packages alone. As optional dependencies npm would pass over what it cannot fetch and report
 * success; which version and which content is still the lock's word.
 *
 * @param {Record<string, string>} dependencies
 * @param {{ packages: Record<string, object> }} lock
 */
function filesFor(dependencies, lock) {
  const own = { name: 'bootstrap', private: true, dependencies }
  const paths = Object.keys(dependencies).map((name) => `node_modules/${name}`)
  const packages = Object.fromEntries(paths.map((path) => [path, { ...lock.packages[path], optional: undefined }]))
  return { 'package.json': own, 'package-lock.json': { ...lock, packages: { '': own, ...packages } } }
}

/**
 * Builds in a folder beside the final one and renames it when it is complete: a run that is killed leaves nothing that a later one would
 * trust, and of two runs at once the first to finish wins.
 *
 * @param {string} finished
 * @param {{ subject: string, files: Record<string, object>, env: NodeJS.ProcessEnv }} options
 */
async function build(finished, { subject, files, env }) {
  let building
  try {
    building = makeBuildFolder(finished)
    for (const [name, content] of Object.entries(files)) writeFileSync(join(building, name), JSON.stringify(content))
    await runQuietly(subject, 'npm', npmCi, { cwd: building, env })
    moveIntoPlace(building, finished)
  } catch (error) {
    const { syscall, code, message } = /** @type {NodeJS.ErrnoException} */ (error)
    throw syscall === undefined ? error : failureOf(subject, code ?? syscall, message)
  } finally {
    if (building !== undefined) rmSync(building, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** @param {string} finished */
function makeBuildFolder(finished) {
  const cache = join(finished, '..')
  mkdirSync(cache, { recursive: true })
  for (const name of readdirSync(cache).filter((name) => name.includes('.building-'))) {
    const folder = join(cache, name)
    const age = Date.now() - (statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? Date.now())
    if (age > abandonedMs) rmSync(folder, { recursive: true, force: true })
  }
  return mkdtempSync(`${finished}.building-`)
}

/**
 * @param {string} building
 * @param {string} finished
 */
function moveIntoPlace(building, finished) {
  try {
    renameSync(building, finished)
  } catch (error) {
    if (!existsSync(finished)) throw error
  }
}
