import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { recordKeys } from '../src/record-key.ts'

const SEED = 3

const nonce = Uint8Array.from([0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15])

describe('the key of a record', () => {
  it('is as in protocol.md 5 for every queue name and key id', () => {
    const fields = { scope: 'orders_eu-1', keyId: 'prod.orders:2026-11_a', nonce }
    expect(recordKeys('qr')(fields)).toBe('qr:n:orders_eu-1:prod.orders:2026-11_a:CgsMDQ4PEBESExQV')
    expect(recordKeys('shop.{a}')(fields)).toMatch(/^shop\.\{a\}:n:orders/)
  })

  it(`is another one for every other prefix, scope, key id and nonce, whatever they hold, seed ${SEED} (NR3)`, () => {
    const piece = fc.constantFrom(
      '',
      'a',
      'b',
      'n',
      ':',
      ':n:',
      '%',
      '%003a',
      '003a',
      '_',
      '-',
      'é',
      'e\u0301',
      '\ud800',
      '\udc00',
      '\n',
      '\u0101',
      '\u0010',
      '1',
    )
    const text = fc.array(piece, { maxLength: 2 }).map((pieces) => pieces.join(''))
    const prefix = fc.constantFrom('n', 'a.n')
    const bytes = fc.array(fc.constantFrom(0, 0xfb), { maxLength: 1 })
    const identity = fc.record({ prefix, scope: text, keyId: text, bytes })
    const keyOf = ({
      prefix,
      scope,
      keyId,
      bytes,
    }: {
      prefix: string
      scope: string
      keyId: string
      bytes: number[]
    }) => recordKeys(prefix)({ scope, keyId, nonce: Uint8Array.from(bytes) })
    fc.assert(
      fc.property(fc.array(identity, { minLength: 2, maxLength: 200 }), (identities) => {
        const spelt = new Set(identities.map((one) => JSON.stringify(one)))
        expect(new Set(identities.map(keyOf)).size).toBe(spelt.size)
      }),
      { numRuns: 2_000, seed: SEED },
    )
  })

  it('is another one where the end of one name could be the beginning of the next (NR3)', () => {
    const lookalikes = [
      ['\u0101', 'k'],
      ['\u00101', 'k'],
      ['%0101', 'k'],
      ['a:b', 'k'],
      ['a', 'b:k'],
      ['a%003ab', 'k'],
    ] as const
    const keys = lookalikes.map(([scope, keyId]) => recordKeys('qr')({ scope, keyId, nonce }))
    expect(new Set(keys).size).toBe(lookalikes.length)
  })

  it('has no character outside of ASCII, and braces of the prefix alone: others would move it on a cluster', () => {
    const key = recordKeys('qr')({ scope: '{é}', keyId: '{k} \u{1f511}', nonce })
    expect(key).toMatch(/^[\x21-\x7e]+$/)
    expect(key).not.toMatch(/[{}]/)
  })

  it('is that of the bytes of the nonce, wherever they lie', () => {
    const around = new Uint8Array(32).fill(7)
    around.set(nonce, 5)
    const fields = { scope: 'orders', keyId: 'k' }
    expect(recordKeys('qr')({ ...fields, nonce: around.subarray(5, 17) })).toBe(recordKeys('qr')({ ...fields, nonce }))
  })
})
