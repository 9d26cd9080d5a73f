import { describe, expect, it } from 'vitest'
import { multiKeyProvider } from '../src/index.ts'
import { incoming, key, opened, protectionOf, refused, utf8 } from './support.ts'

describe('multiKeyProvider (X15)', () => {
  it('rotates in four steps; what the old key sealed opens until it is removed (A27, A28)', async () => {
    const keyProvider = multiKeyProvider({ keys: [key('old')] })
    const { protection } = protectionOf({ keyProvider })
    const message = { body: utf8('paid'), messageId: 'm-1' }
    const before = await protection.protect(message, {})

    keyProvider.add(key('new', 100))
    keyProvider.setCurrent('new')
    const after = await protection.protect(message, {})
    expect([before.seal?.keyId, after.seal?.keyId]).toEqual(['old', 'new'])

    const both = [incoming(before.body), incoming(after.body)]
    const during = await protection.unprotect(both, { purpose: 'deliver' })
    expect(during.map((result) => opened(result).seal?.keyId)).toEqual(['old', 'new'])

    expect(keyProvider.remove('old')).toBe(true)
    const [gone, kept] = await protection.unprotect(both, { purpose: 'deliver' })
    expect(refused(gone).error).toMatchObject({ code: 'KeyNotFound', facts: { keyId: 'old' } })
    expect(opened(kept).seal?.keyId).toBe('new')
  })

  it('refuses to make an unknown key current and to remove the current one', () => {
    const keyProvider = multiKeyProvider({ keys: [key('a'), key('b', 1)], current: 'a' })
    expect(() => keyProvider.setCurrent('c')).toThrow(expect.objectContaining({ code: 'KeyNotFound' }))
    expect(() => keyProvider.remove('a')).toThrow(expect.objectContaining({ code: 'Validation' }))
    expect(keyProvider.remove('c')).toBe(false)
  })

  it('takes the same key again, and never another one under a known id', async () => {
    const keyProvider = multiKeyProvider({ keys: [key('a')] })
    keyProvider.add(key('a', 0, { expiresAt: new Date(5) }))
    expect((await keyProvider.getKey('a'))?.expiresAt).toEqual(new Date(5))
    expect(() => keyProvider.add(key('a', 1))).toThrow(expect.objectContaining({ code: 'KeyMaterialChanged' }))
  })

  it('tells absent from present and lists what it has', async () => {
    const keyProvider = multiKeyProvider({ keys: [key('a'), key('b', 1)], current: 'b' })
    expect(await keyProvider.getKey('c')).toBeNull()
    expect(await keyProvider.currentKeyId()).toBe('b')
    expect(await keyProvider.validKeyIds?.()).toEqual(['a', 'b'])
  })

  it('names the option that is wrong (C23)', () => {
    for (const [options, field] of [
      [{ keys: [] }, 'keys'],
      [{ keys: [key('a'), key('b', 1)] }, 'current'],
      [{ keys: [key('a')], current: 'b' }, 'current'],
      [{}, 'keys'],
    ] as const) {
      expect(() => multiKeyProvider(options as never)).toThrow(
        expect.objectContaining({ code: 'Configuration', facts: { field } }),
      )
    }
  })
})
