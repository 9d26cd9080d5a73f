import { createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, it, vi } from 'vitest'
import { open, seal } from '../src/aes-gcm.ts'
import { keyObjectOf } from '../src/encryption-key.ts'
import { key, NOW, utf8 } from './support.ts'

vi.mock('node:crypto', async (load) => {
  const real = await load<typeof import('node:crypto')>()
  return { ...real, createCipheriv: vi.fn(real.createCipheriv), createDecipheriv: vi.fn(real.createDecipheriv) }
})

interface Vector {
  readonly tcId: number
  readonly comment: string
  readonly key: string
  readonly iv: string
  readonly aad: string
  readonly msg: string
  readonly ct: string
  readonly tag: string
  readonly result: 'valid' | 'invalid'
}

const file = new URL('../vectors/aes-gcm-wycheproof.json', import.meta.url)
const { tests }: { tests: readonly Vector[] } = JSON.parse(readFileSync(file, 'utf8'))
const bytes = (hex: string): Uint8Array => Buffer.from(hex, 'hex')

/**
 * The algorithm and the options with which `seal` and `open` call node:crypto. What they cover is an envelope, whose header is part of
 * what is authenticated, so that the vectors are given to the same calls, and not to `seal` and `open` themselves.
 */
const keyObject = keyObjectOf(key('k'))
const header = { keyId: 'k', encryptedAt: new Date(NOW), nonce: new Uint8Array(12), isPadded: false }
open(keyObject, seal(keyObject, header, utf8('hello'), utf8('')), utf8(''))
const [sealAlgorithm, , , sealOptions] = vi.mocked(createCipheriv).mock.lastCall ?? []
const [openAlgorithm, , , openOptions] = vi.mocked(createDecipheriv).mock.lastCall ?? []

const decrypt = (vector: Vector): Uint8Array => {
  const secret = createSecretKey(bytes(vector.key))
  const decipher = createDecipheriv(openAlgorithm as 'aes-256-gcm', secret, bytes(vector.iv), openOptions as never)
  decipher.setAAD(bytes(vector.aad))
  decipher.setAuthTag(bytes(vector.tag))
  return Buffer.concat([decipher.update(bytes(vector.ct)), decipher.final()])
}

const encrypt = (vector: Vector): { ct: string; tag: string } => {
  const secret = createSecretKey(bytes(vector.key))
  const cipher = createCipheriv(sealAlgorithm as 'aes-256-gcm', secret, bytes(vector.iv), sealOptions as never)
  cipher.setAAD(bytes(vector.aad))
  const ct = Buffer.concat([cipher.update(bytes(vector.msg)), cipher.final()]).toString('hex')
  return { ct, tag: cipher.getAuthTag().toString('hex') }
}

describe('AES-GCM of node:crypto, called as this package calls it (X1, X2, protocol.md 8)', () => {
  it('is AES-256-GCM with tags of 16 bytes, both ways', () => {
    expect([sealAlgorithm, sealOptions]).toEqual(['aes-256-gcm', { authTagLength: 16 }])
    expect([openAlgorithm, openOptions]).toEqual(['aes-256-gcm', { authTagLength: 16 }])
  })

  it('meets 39 valid and 27 invalid vectors', () => {
    const results = tests.map(({ result }) => result)
    expect(results.filter((result) => result === 'valid')).toHaveLength(39)
    expect(results.filter((result) => result === 'invalid')).toHaveLength(27)
  })

  it.each(tests.filter(({ result }) => result === 'valid'))('takes $tcId $comment, and writes the same', (vector) => {
    expect(Buffer.from(decrypt(vector)).toString('hex')).toBe(vector.msg)
    expect(encrypt(vector)).toEqual({ ct: vector.ct, tag: vector.tag })
  })

  it.each(tests.filter(({ result }) => result === 'invalid'))('refuses $tcId: $comment', (vector) => {
    expect(() => decrypt(vector)).toThrow('unable to authenticate data')
  })
})
