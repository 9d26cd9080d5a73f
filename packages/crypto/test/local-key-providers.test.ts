import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { keyObjectOf } from '../src/encryption-key.ts'
import { type EncryptionKey, envKeyProvider, fileKeyProvider } from '../src/index.ts'
import { key, keyBytes } from './support.ts'

const bytes = Buffer.from(keyBytes(7))
const expected = keyObjectOf(key('k', 7))
const isExpected = (found: EncryptionKey | null): boolean => found !== null && keyObjectOf(found).equals(expected)

const TEXTS: readonly (readonly [string, string])[] = [
  ['base64', bytes.toString('base64')],
  ['base64 without padding', bytes.toString('base64').replace('=', '')],
  ['base64url', bytes.toString('base64url')],
  ['hex', bytes.toString('hex')],
  ['hex in capitals, with white space around it', ` ${bytes.toString('hex').toUpperCase()}\n`],
]
const WRONG: readonly (readonly [string, string])[] = [
  ['31 bytes', bytes.subarray(1).toString('base64')],
  ['33 bytes', Buffer.concat([bytes, bytes.subarray(0, 1)]).toString('base64')],
  ['no encoding at all', 'p'.repeat(31) + '!'.repeat(13)],
  ['half hex', bytes.toString('hex').slice(0, 63)],
]

describe('envKeyProvider', () => {
  const provider = (text: string | undefined) =>
    envKeyProvider({ variables: { k: 'ORDERS_KEY', other: 'OTHER_KEY' }, current: 'k', env: { ORDERS_KEY: text } })

  it.each(TEXTS)('reads %s', async (_, text) => {
    expect(isExpected(await provider(text).getKey('k'))).toBe(true)
  })

  it.each(WRONG)('refuses %s, naming the key and not its text (KA1)', async (_, text) => {
    const error = await provider(text)
      .getKey('k')
      .catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'InvalidKeyLength', message: expect.stringContaining('key k') })
    expect(JSON.stringify(error)).not.toContain(text.slice(0, 8))
  })

  it('tells what is there and what is not', async () => {
    expect(await provider('x').getKey('toString')).toBeNull()
    expect(await provider('x').getKey('unknown')).toBeNull()
    for (const unset of [undefined, '']) {
      await expect(provider(unset).getKey('k')).rejects.toMatchObject({
        code: 'KeyProviderError',
        message: expect.stringContaining('ORDERS_KEY'),
      })
    }
    expect(await provider('x').currentKeyId()).toBe('k')
    expect(await provider('x').validKeyIds?.()).toEqual(['k', 'other'])
  })

  it('names the option that is wrong (C23)', () => {
    for (const [options, field] of [
      [{ variables: {}, current: 'k' }, 'variables'],
      [{ variables: { 'a/b': 'X' }, current: 'a/b' }, 'variables'],
      [{ variables: { k: 'X' }, current: 'l' }, 'current'],
      [{ variables: { k: 'X' } }, 'current'],
      [{ current: 'k' }, 'variables'],
    ] as const) {
      expect(() => envKeyProvider(options as never)).toThrow(
        expect.objectContaining({ code: 'Configuration', facts: { field } }),
      )
    }
  })
})

describe('fileKeyProvider', () => {
  let directory = ''
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'keys-'))
    // As Kubernetes mounts a secret: links through a hidden folder, which it swaps at once.
    await mkdir(join(directory, '..2026'))
    await symlink('..2026', join(directory, '..data'))
    await writeFile(join(directory, '..2026', 'raw'), bytes)
    await symlink(join('..data', 'raw'), join(directory, 'raw'))
    await writeFile(join(directory, 'text'), `${bytes.toString('base64')}\n`)
    await writeFile(join(directory, 'short'), 'secret')
    await writeFile(join(directory, 'long'), 'secret'.repeat(1_000))
    await writeFile(join(directory, 'current'), 'raw\n')
    await mkdir(join(directory, 'folder'))
  })
  afterAll(() => rm(directory, { recursive: true }))

  it('reads raw bytes and text, the current id and the list', async () => {
    const provider = fileKeyProvider({ directory })
    expect(isExpected(await provider.getKey('raw'))).toBe(true)
    expect(isExpected(await provider.getKey('text'))).toBe(true)
    expect(await provider.currentKeyId()).toBe('raw')
    expect((await provider.validKeyIds?.())?.toSorted()).toEqual(['long', 'raw', 'short', 'text'])
  })

  it('tells absent from malformed from unreadable', async () => {
    const provider = fileKeyProvider({ directory })
    for (const id of ['absent', 'current', 'folder', '..data', '../raw', 'a/b'])
      expect(await provider.getKey(id)).toBeNull()
    for (const id of ['short', 'long']) {
      await expect(provider.getKey(id)).rejects.toMatchObject({
        code: 'InvalidKeyLength',
        message: expect.not.stringContaining('secret'),
      })
    }
    const elsewhere = fileKeyProvider({ directory: join(directory, 'nowhere') })
    await expect(elsewhere.currentKeyId()).rejects.toMatchObject({ code: 'KeyProviderError', isTransient: true })
    await expect(elsewhere.getKey('raw')).rejects.toMatchObject({ code: 'KeyProviderError' })
    await expect(elsewhere.validKeyIds?.()).rejects.toMatchObject({ code: 'KeyProviderError' })
  })

  it('refuses a key where its id belongs, and prints nothing of it: ids stand in logs', async () => {
    for (const [, text] of TEXTS) {
      await writeFile(join(directory, 'misplaced'), text)
      const error = await fileKeyProvider({ directory, currentFile: 'misplaced' })
        .currentKeyId()
        .catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'KeyProviderError' })
      expect(`${error}${JSON.stringify(error)}`).not.toContain(text.trim().slice(0, 8))
    }
    await rm(join(directory, 'misplaced'))
  })

  it('sees a rotated secret at the next call', async () => {
    const provider = fileKeyProvider({ directory, currentFile: 'active' })
    await writeFile(join(directory, 'active'), 'raw')
    expect(await provider.currentKeyId()).toBe('raw')
    await writeFile(join(directory, 'active'), 'text')
    expect(await provider.currentKeyId()).toBe('text')
  })

  it('names the option that is wrong (C23)', () => {
    expect(() => fileKeyProvider({ directory: '' })).toThrow(expect.objectContaining({ facts: { field: 'directory' } }))
    expect(() => fileKeyProvider({ directory: '/x', currentFile: '../x' })).toThrow(
      expect.objectContaining({ facts: { field: 'currentFile' } }),
    )
  })
})
