import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fetchPackages } from './apt.ts'
import { buildFolder, finishedFolders } from './cache.ts'
import { run } from './child.ts'
import { configureFonts, environmentOf } from './environment.ts'
import { couldNotFetch, missing, ToolMissing } from './failure.ts'
import { findOnMachine } from './find.ts'
import type { Kind } from './kinds.ts'

/** The programs of a kind, in its order, and the environment that they run in. */
export interface Located {
  readonly paths: readonly string[]
  readonly env: NodeJS.ProcessEnv
}

export interface Where {
  readonly env: NodeJS.ProcessEnv
  /** The folder of what was fetched before. */
  readonly cache: string
  /** Folders that are looked in beside the PATH; left out: the usual ones. */
  readonly usual?: readonly string[] | undefined
  readonly say: (line: string) => void
}

/** Beside the sources, as the Node that the bootstrap fetches; a checkout that cannot be written names another folder. */
export const here = (): Where => ({
  env: process.env,
  cache: process.env.QUEUE_RUNTIME_TOOLS_CACHE ?? fileURLToPath(new URL('../.cache', import.meta.url)),
  say: (line) => process.stderr.write(`${line}\n`),
})

/** Libraries of one Debian release do not run on another. */
function release(): string {
  try {
    return /^VERSION_CODENAME=(.*)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'unknown'
  } catch {
    return 'unknown'
  }
}

/**
 * Finds the programs of a kind: named by its variable, on the machine, fetched before, or fetched now.
 *
 * @throws ToolMissing
 */
export async function locate(kind: Kind, where: Where): Promise<Located> {
  const found = findOnMachine(kind, where.env, where.usual)
  if (found !== undefined) {
    const own = { paths: found, env: where.env }
    const problem = await problemOf(kind, own)
    if (problem === undefined) return own
    if (where.env[kind.variable]) throw new ToolMissing(`${kind.variable} names ${found[0]}, which ${problem}.`)
  }
  const [main] = kind.packages
  const prefix = `${main}-${release()}-${process.arch}-`
  const [before] = finishedFolders(where.cache, prefix)
  return unpackedIn(before ?? (await fetched(kind, prefix, where)), kind, where.env)
}

function unpackedIn(folder: string, { programs }: Kind, env: NodeJS.ProcessEnv): Located {
  return { paths: programs.map(({ unpacked }) => join(folder, 'root', unpacked)), env: environmentOf(folder, env) }
}

async function fetched(kind: Kind, prefix: string, { env, cache, say }: Where): Promise<string> {
  if (process.platform !== 'linux' || !(await run('apt-get', ['--version'], env)).ok) {
    throw missing(kind, 'cannot be fetched, since there is no apt-get here')
  }
  say(`Fetching ${kind.title} as Debian packages (once) …`)
  try {
    return await buildFolder(cache, prefix, async (folder) => {
      const version = await fetchPackages(kind, folder, env)
      configureFonts(folder)
      const problem = await problemOf(kind, unpackedIn(folder, kind, env))
      if (problem !== undefined) throw couldNotFetch(kind, `what was fetched ${problem}`)
      // Without the epoch, since a colon parts the folders of a library path.
      return `${prefix}${version.replace(/^\d+:/, '')}`
    })
  } catch (error) {
    throw error instanceof ToolMissing ? error : couldNotFetch(kind, String(error))
  }
}

/** Why what was found will not do, as the end of a sentence; undefined where it will. */
async function problemOf({ title, lowest }: Kind, { paths, env }: Located): Promise<string | undefined> {
  for (const path of paths) {
    const { ok, output } = await run(path, ['--version'], env)
    if (!ok) return `does not run here (${output.trim().split('\n').at(-1)})`
    const version = /(\d+)\.\d+/.exec(output)
    if (lowest !== undefined && Number(version?.[1]) < lowest) return `is older than ${title} ${lowest}`
  }
  return undefined
}
