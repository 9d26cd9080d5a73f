import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { KEY_IDS } from '../backends/key-providers.ts'
import { QUEUES } from '../github/routes.ts'

/** Readable for its owner alone; a file that is there stays as it is. */
const ONCE = { flag: 'wx', mode: 0o400 } as const

const isThere = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'EEXIST'

const writeOnce = async (path: string, text: string): Promise<void> => {
  await writeFile(path, text, ONCE).catch((error: unknown) => {
    if (!isThere(error)) throw error
  })
}

/**
 * Makes a first key for every queue below `directory`, in a folder of its own, as `KEY_PROVIDER=local` reads it. Keys that are
 * there already stay: it may run at every start.
 */
export async function makeFirstKeys(directory: string): Promise<void> {
  for (const name of QUEUES.map((queue) => KEY_IDS[queue])) {
    const folder = join(directory, name)
    await mkdir(folder, { recursive: true })
    await writeOnce(join(folder, `${name}-1`), randomBytes(32).toString('base64'))
    await writeOnce(join(folder, 'current'), `${name}-1`)
  }
}
