import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { plaintextWindows } from '../src/demo/plaintext-windows.ts'
import { percentile } from '../src/demo/statistics.ts'

describe('the counter of plaintext at the broker', () => {
  it('finds eight bytes of any plaintext at any offset', () => {
    const bytes = fc.uint8Array({ minLength: 8, maxLength: 64 })
    fc.assert(
      fc.property(bytes, bytes, fc.nat(), fc.nat(64), fc.nat(64), (one, other, from, before, after) => {
        const count = plaintextWindows([one, other])
        const at = from % (other.length - 7)
        const piece = other.subarray(at, at + 8)
        const stored = Buffer.concat([randomBytes(before), piece, randomBytes(after)])
        expect(count(stored)).toBeGreaterThanOrEqual(1)
      }),
    )
  })

  it('counts each offset of a whole plaintext, and nothing of fewer than eight bytes', () => {
    const count = plaintextWindows([Buffer.from('0123456789')])
    expect(count(Buffer.from('xx0123456789xx'))).toBe(3)
    expect(count(Buffer.from('x2345678'))).toBe(0)
    expect(count(Buffer.from('1234567'))).toBe(0)
    expect(count(Buffer.alloc(0))).toBe(0)
  })

  it('finds bytes that are no text', () => {
    const body = Buffer.from([0xff, 0xfe, 0x80, 0xc3, 0x28, 0x00, 0xe2, 0x82, 0x28])
    expect(plaintextWindows([body])(body)).toBe(2)
  })

  it('finds nothing in random bytes', () => {
    const count = plaintextWindows([randomBytes(10_000)])
    expect(count(randomBytes(100_000))).toBe(0)
  })
})

describe('the percentile', () => {
  it('is the nearest rank', () => {
    const values = Array.from({ length: 20 }, (_, at) => 20 - at)
    expect([percentile(values, 0.5), percentile(values, 0.95), percentile([7], 0.5), percentile([], 0.5)]).toEqual([
      10,
      19,
      7,
      undefined,
    ])
  })
})
