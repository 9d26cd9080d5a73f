import { execFile } from 'node:child_process'
import { createHash, createSecretKey, randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { EncryptionKey, envKeyProvider, fileKeyProvider } from '../src/index.ts'
import { keyBytes } from './support.ts'

vi.mock('node:crypto', async (load) => {
  const real = await load<typeof import('node:crypto')>()
  return { ...real, createSecretKey: vi.fn(real.createSecretKey) }
})
vi.mock('node:fs/promises', async (load) => {
  const real = await load<typeof import('node:fs/promises')>()
  return { ...real, readFile: vi.fn(real.readFile) }
})

const folder = mkdtempSync(join(tmpdir(), 'heap-'))
afterAll(() => rmSync(folder, { recursive: true }))

const zeros = Buffer.alloc(32)

describe('a key that was loaded', () => {
  it('leaves no text of it on the heap, whether it came as base64, as hex, from a file or as bytes (A31, protocol.md 6)', {
    timeout: 60_000,
  }, async () => {
    const file = join(folder, 'child.heapsnapshot')
    const seed = randomUUID()
    const child = fileURLToPath(new URL('heap-child.ts', import.meta.url))
    const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', child, file, seed])
    expect(stdout).toBe('4 keys, 2 texts')
    const heap = await readFile(file, 'latin1')

    /** Parts of the text that are on the heap: an engine may keep a string cut or joined. */
    const partsOnHeap = (name: string, encoding: 'base64' | 'base64url' | 'hex' | 'latin1'): string[] => {
      const text = createHash('sha256').update(`${seed} ${name}`).digest().toString(encoding)
      const parts = Array.from({ length: text.length - 11 }, (_, at) => text.slice(at, at + 12))
      return parts.filter((part) => heap.includes(part))
    }
    for (const name of ['base64', 'hex', 'file', 'bytes']) {
      for (const encoding of ['base64', 'base64url', 'hex', 'latin1'] as const) {
        expect(partsOnHeap(name, encoding)).toEqual([])
      }
    }
    // What is kept is found, and so would have been a text of a key.
    for (const encoding of ['base64', 'hex'] as const) expect(partsOnHeap('kept', encoding)).not.toEqual([])
  })
})

describe('the bytes of a key', () => {
  const taken = vi.mocked(createSecretKey)
  const lastTaken = (): unknown => taken.mock.lastCall?.[0]

  it('are copied, and the copy is zeroed as soon as it is taken (A31)', () => {
    const source = keyBytes(7)
    let seen: Uint8Array | undefined
    taken.mockImplementationOnce((...[bytes, ...rest]: Parameters<typeof createSecretKey>) => {
      seen = Uint8Array.from(bytes as unknown as Uint8Array)
      return createSecretKey(bytes, ...rest)
    })
    EncryptionKey.fromBytes('k', source)
    expect(seen).toEqual(keyBytes(7))
    expect(Buffer.compare(lastTaken() as Uint8Array, zeros)).toBe(0)
    expect(source).toEqual(keyBytes(7))
  })

  it('are zeroed where they came from, too, where that is asked for', () => {
    const source = keyBytes(7)
    EncryptionKey.fromBytes('k', source, { zeroSource: true })
    expect(Buffer.compare(lastTaken() as Uint8Array, zeros)).toBe(0)
    expect(Buffer.compare(source, zeros)).toBe(0)
  })

  it('are zeroed by the providers that decode them, and so is what was read of a file', async () => {
    const made = vi.spyOn(EncryptionKey, 'fromBytes')
    const read = vi.mocked(readFile)
    const bytes = Buffer.from(keyBytes(7))
    for (const content of [bytes, bytes.toString('base64'), bytes.toString('hex')]) {
      await writeFile(join(folder, 'k'), content)
      await fileKeyProvider({ directory: folder }).getKey('k')
      const buffer = (await read.mock.results.at(-1)?.value) as Uint8Array
      expect(buffer.length).toBe(content.length)
      expect(buffer.every((byte) => byte === 0)).toBe(true)
      expect(Buffer.compare(made.mock.lastCall?.[1] as Uint8Array, zeros)).toBe(0)
    }
    for (const KEY of [bytes.toString('base64'), bytes.toString('hex')]) {
      await envKeyProvider({ variables: { k: 'KEY' }, current: 'k', env: { KEY } }).getKey('k')
      expect(Buffer.compare(made.mock.lastCall?.[1] as Uint8Array, zeros)).toBe(0)
    }
    expect(made).toHaveBeenCalledTimes(5)
    made.mockRestore()
  })
})
