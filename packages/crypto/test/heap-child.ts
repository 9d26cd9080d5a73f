import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { registerHooks } from 'node:module'
import { dirname, join } from 'node:path'
import { writeHeapSnapshot } from 'node:v8'

/**
 * Loads keys in the ways that a process does, drops what was its own, and writes what is left on the heap to the file named first.
 * The keys are hashes of the seed named next, so that neither they nor their texts are told to this process.
 */
const [file = '', seed = ''] = process.argv.slice(2)

const core = (entry: string): string => new URL(`../../core/src/${entry}.ts`, import.meta.url).href
const SOURCES = new Map([
  ['@queue-runtime/core', core('index')],
  ['@queue-runtime/core/provider', core('provider')],
])
registerHooks({ resolve: (specifier, context, next) => next(SOURCES.get(specifier) ?? specifier, context) })
const { EncryptionKey, envKeyProvider, fileKeyProvider } = await import('../src/index.ts')

const secretOf = (name: string): Buffer => createHash('sha256').update(`${seed} ${name}`).digest()

/** The text exists while it is read only, as that of a key store's answer does. */
const fromText = async (name: 'base64' | 'hex') => {
  const env = {
    get KEY() {
      return ` ${secretOf(name).toString(name)}\n`
    },
  }
  return envKeyProvider({ variables: { [name]: 'KEY' }, current: name, env }).getKey(name)
}

const fromFile = async (name: string) => {
  const directory = dirname(file)
  await writeFile(join(directory, name), secretOf(name).toString('base64'))
  return fileKeyProvider({ directory }).getKey(name)
}

/** What stays reachable until the snapshot is written. */
const held = {
  keys: [
    await fromText('base64'),
    await fromText('hex'),
    await fromFile('file'),
    EncryptionKey.fromBytes('bytes', secretOf('bytes'), { zeroSource: true }),
  ],
  kept: [secretOf('kept').toString('base64'), secretOf('kept').toString('hex')],
}
for (let turn = 0; turn < 3; turn += 1) {
  await new Promise((resolve) => setImmediate(resolve))
  globalThis.gc?.()
}
writeHeapSnapshot(file)
process.stdout.write(`${held.keys.filter((key) => key !== null).length} keys, ${held.kept.length} texts`)
