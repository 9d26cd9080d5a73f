import { inspect } from 'node:util'
import { isQueueError } from '@queue-runtime/core'
import { describe, expect, it } from 'vitest'
import { keyObjectOf } from '../src/encryption-key.ts'
import { EncryptionKey } from '../src/index.ts'
import { keyBytes } from './support.ts'

/** What the call threw. */
const thrownBy = (call: () => unknown): unknown => {
  try {
    call()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

const codeOf = (error: unknown): unknown => (isQueueError(error) ? error.code : error)

describe('EncryptionKey', () => {
  it('takes 32 bytes and no other number (X1)', () => {
    for (const length of [0, 16, 31, 33, 64]) {
      const error = thrownBy(() => EncryptionKey.fromBytes('k', Buffer.alloc(length, 'ab')))
      expect(codeOf(error)).toBe('InvalidKeyLength')
    }
    expect(EncryptionKey.fromBytes('k', keyBytes(0)).id).toBe('k')
  })

  it('refuses bytes that are all the same: a buffer that was zeroed or never filled', () => {
    for (const byte of [0, 255]) {
      expect(codeOf(thrownBy(() => EncryptionKey.fromBytes('k', Buffer.alloc(32, byte))))).toBe('InvalidKeyLength')
    }
  })

  it('refuses ids that could name something else than a key', () => {
    for (const id of ['', '.k', '../k', 'a/b', 'a b', 'é', 'a\n', 'x'.repeat(129)]) {
      expect(codeOf(thrownBy(() => EncryptionKey.fromBytes(id, keyBytes(0))))).toBe('Validation')
    }
    expect(EncryptionKey.fromBytes(`a${'.'.repeat(127)}`, keyBytes(0)).id).toHaveLength(128)
  })

  it('leaves the bytes of the caller alone, and zeroes them where it is asked to (A31)', () => {
    const kept = keyBytes(0)
    EncryptionKey.fromBytes('k', kept)
    expect(kept).toEqual(keyBytes(0))
    const given = keyBytes(0)
    EncryptionKey.fromBytes('k', given, { zeroSource: true })
    expect(given).toEqual(new Uint8Array(32))
  })

  it('keeps its own copy: changing the source afterwards changes nothing', () => {
    const source = keyBytes(0)
    const key = EncryptionKey.fromBytes('k', source)
    source.fill(9)
    expect(keyObjectOf(key).equals(keyObjectOf(EncryptionKey.fromBytes('k', keyBytes(0))))).toBe(true)
  })

  it('shows its id and never its bytes: in print, JSON, text and a structured clone (X19, X20)', () => {
    const key = EncryptionKey.fromBytes('orders-1', keyBytes(0))
    const shown = [
      inspect(key, { depth: null, showHidden: true }),
      inspect({ nested: [key] }, { depth: null }),
      JSON.stringify({ key }),
      String(key),
      JSON.stringify(structuredClone(key)),
    ]
    const bytes = Buffer.from(keyBytes(0))
    for (const text of shown) {
      for (const encoding of ['hex', 'base64', 'base64url', 'latin1'] as const) {
        expect(text).not.toContain(bytes.toString(encoding))
      }
    }
    expect(shown[1]).toContain('EncryptionKey(orders-1, [REDACTED])')
    expect(JSON.parse(JSON.stringify(key))).toEqual({ id: 'orders-1', material: '[REDACTED]' })
    expect(codeOf(thrownBy(() => keyObjectOf(structuredClone(key))))).toBe('Configuration')
  })

  it('is of no use once it is disposed, by call or by `using` (X19)', () => {
    const key = EncryptionKey.fromBytes('k', keyBytes(0))
    key.dispose()
    key[Symbol.dispose]()
    expect(codeOf(thrownBy(() => keyObjectOf(key)))).toBe('KeyDisposed')
  })

  it('is what it was made as: id and dates cannot be changed', () => {
    const expiresAt = new Date(5)
    const key = EncryptionKey.fromBytes('k', keyBytes(0), { expiresAt })
    expiresAt.setTime(9)
    expect(key.expiresAt).toEqual(new Date(5))
    expect(Reflect.set(key, 'id', 'other')).toBe(false)
    expect(key.id).toBe('k')
  })

  it('refuses dates that contradict each other, naming the field (C23)', () => {
    const [early, late] = [new Date(1), new Date(2)]
    for (const [options, field] of [
      [{ notBefore: late, expiresAt: early }, 'expiresAt'],
      [{ expiresAt: late, openUntil: early }, 'openUntil'],
      [{ notBefore: new Date(Number.NaN) }, 'notBefore'],
    ] as const) {
      expect(thrownBy(() => EncryptionKey.fromBytes('k', keyBytes(0), options))).toMatchObject({
        code: 'Configuration',
        facts: { field },
      })
    }
  })
})
