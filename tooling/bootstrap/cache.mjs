import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { failureOf } from './failure.mjs'

/** A build folder older than this was left by a run that was killed. */
const abandonedMs = 60 * 60 * 1000

/**
 * Fills a folder beside the final one and renames it when it is complete: a run that is killed leaves nothing that a later one would
 * trust, and of two runs at once the first to finish wins.
 *
 * @param {string} finished
 * @param {string} subject what is being done, as the beginning of a sentence
 * @param {(folder: string) => Promise<void>} fill
 */
export async function buildFolder(finished, subject, fill) {
  let building
  try {
    building = makeBuildFolder(finished)
    await fill(building)
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
  const cache = dirname(finished)
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
