import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildFolder } from './cache.mjs'
import { runQuietly } from './child.mjs'
import { Failure, failureOf } from './failure.mjs'

/** The pauses: npm's own, 10 s and more, would keep a reader without a network waiting for over a minute. */
const npmCi = [
  ...['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=warn'],
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
  const versions = JSON.parse(manifest).optionalDependencies
  const node = `node-${platform}`
  const pnpm = `@pnpm/exe.${platform}`
  if (versions[node] === undefined || versions[pnpm] === undefined) {
    throw new Failure(
      `There is no Node and pnpm to fetch for ${platform}: install Node >= ${wanted.node} and pnpm ${wanted.pnpmMajor} by hand and ` +
        'run the same command again.',
    )
  }

  const hash = createHash('sha256').update(manifest).update(lock).digest('hex').slice(0, 16)
  const finished = join(here, '.cache', `${hash}-${platform}`)
  if (!existsSync(finished)) {
    const subject = `Fetching Node ${versions[node]} and pnpm ${versions[pnpm]}`
    say(`${subject} (once) …`)
    await buildFolder(finished, subject, async (folder) => {
      writeFilesFor({ [node]: versions[node], [pnpm]: versions[pnpm] }, JSON.parse(lock), folder)
      const output = await runQuietly(subject, 'npm', npmCi, { cwd: folder, env })
      // npm only warns about a file that it could not write in full, on a full disk for one, and reports success.
      if (output.includes('TAR_ENTRY_ERROR')) throw failureOf(subject, 'a file is incomplete', output)
      checkRuns(subject, join(folder, 'node_modules', node, 'bin/node'), versions[node])
      checkRuns(subject, join(folder, 'node_modules', pnpm, 'pnpm'), versions[pnpm])
    })
  }
  return { node: join(finished, 'node_modules', node, 'bin'), pnpm: join(finished, 'node_modules', pnpm) }
}

/**
 * Writes package.json and lock of this platform's packages alone. As optional dependencies npm would pass over what it cannot fetch and
 * report success; which version and which content is still the lock's word.
 *
 * @param {Record<string, string>} dependencies
 * @param {{ packages: Record<string, object> }} lock
 * @param {string} folder
 */
function writeFilesFor(dependencies, lock, folder) {
  const own = { name: 'bootstrap', private: true, dependencies }
  const paths = Object.keys(dependencies).map((name) => `node_modules/${name}`)
  const locked = Object.fromEntries(paths.map((path) => [path, { ...lock.packages[path], optional: undefined }]))
  writeFileSync(join(folder, 'package.json'), JSON.stringify(own))
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify({ ...lock, packages: { '': own, ...locked } }))
}

/**
 * @param {string} subject
 * @param {string} tool
 * @param {string} version
 */
function checkRuns(subject, tool, version) {
  const { stdout, stderr, error } = spawnSync(tool, ['--version'], { encoding: 'utf8' })
  if (stdout?.trim().replace(/^v/, '') === version) return
  throw new Failure(
    `${subject} failed because what was fetched does not run here.`,
    error?.message ?? `${tool}\n${stderr}`,
  )
}
