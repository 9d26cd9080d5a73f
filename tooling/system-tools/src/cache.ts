import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** A build folder older than this was left by a run that was killed. */
const abandonedMs = 60 * 60 * 1000
const buildMark = '.building-'

/** The finished folders of a cache whose names begin so, the newest first. */
export function finishedFolders(cache: string, prefix: string): string[] {
  if (!statSync(cache, { throwIfNoEntry: false })?.isDirectory()) return []
  return readdirSync(cache)
    .filter((name) => name.startsWith(prefix) && !name.includes(buildMark))
    .map((name) => join(cache, name))
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)
}

/**
 * Fills a folder beside the final one and renames it when it is complete: a run that is killed leaves nothing that a later one would
 * trust, and of two runs at once the first to finish wins.
 *
 * @param fill returns the name of the finished folder
 * @returns the finished folder
 */
export async function buildFolder(
  cache: string,
  prefix: string,
  fill: (folder: string) => Promise<string>,
): Promise<string> {
  mkdirSync(cache, { recursive: true })
  removeAbandoned(cache)
  const building = mkdtempSync(join(cache, `${prefix}${buildMark}`))
  try {
    const finished = join(cache, await fill(building))
    moveIntoPlace(building, finished)
    return finished
  } finally {
    rmSync(building, { recursive: true, force: true, maxRetries: 3 })
  }
}

function removeAbandoned(cache: string): void {
  for (const name of readdirSync(cache).filter((name) => name.includes(buildMark))) {
    const folder = join(cache, name)
    const age = Date.now() - (statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? Date.now())
    if (age > abandonedMs) rmSync(folder, { recursive: true, force: true })
  }
}

function moveIntoPlace(building: string, finished: string): void {
  try {
    mkdirSync(dirname(finished), { recursive: true })
    renameSync(building, finished)
  } catch (error) {
    if (!existsSync(finished)) throw error
  }
}
