import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createExpiryBuckets } from '../src/expiry-buckets.ts'
import { SCALED_TIMEOUT_MS, scaled } from './scale.ts'

const HOUR = 3_600_000

describe('expiry buckets', () => {
  it('give up each key once, never early and at most a second late, however often it was filed anew', {
    timeout: SCALED_TIMEOUT_MS,
  }, () => {
    const step = fc.record({
      passes: fc.integer({ min: 0, max: 4_000 }),
      key: fc.constantFrom('a', 'b', 'c', 'd'),
      lives: fc.integer({ min: 0, max: 8_000 }),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let now = 5_500
        const buckets = createExpiryBuckets(now)
        const filed = new Map<string, number>()
        for (const { passes, key, lives } of steps) {
          now += passes
          for (const taken of buckets.takeExpired(now)) {
            expect(filed.get(taken)).toBeLessThan(now)
            filed.delete(taken)
          }
          for (const expiresAt of filed.values()) expect(expiresAt + 1_000).toBeGreaterThan(now)
          buckets.file(key, now + lives, filed.get(key))
          filed.set(key, now + lives)
        }
      }),
      { numRuns: scaled(1_000), seed: 5 },
    )
  })

  it('do not walk through the seconds of a long pause', () => {
    const buckets = createExpiryBuckets(0)
    buckets.file('a', 1_000, undefined)
    buckets.file('b', 200 * 365 * 24 * HOUR, undefined)
    expect(buckets.takeExpired(150 * 365 * 24 * HOUR)).toEqual(['a'])
    expect(buckets.takeExpired(300 * 365 * 24 * HOUR)).toEqual(['b'])
  })

  it('keep what is filed after the clock was set back, and give it up later', () => {
    const buckets = createExpiryBuckets(HOUR)
    expect(buckets.takeExpired(HOUR + 5_000)).toEqual([])
    buckets.file('a', 10_000, undefined)
    expect(buckets.takeExpired(20_000)).toEqual([])
    buckets.file('a', 30_000, 10_000)
    expect(buckets.takeExpired(HOUR + 6_000)).toEqual(['a'])
    expect(buckets.takeExpired(2 * HOUR)).toEqual([])
  })

  it('cost as much per second when many keys are filed and much time has passed', () => {
    /** How long 2 000 seconds take, in milliseconds, after `past` seconds and with as many keys filed for later. */
    const costAfter = (past: number): number => {
      const buckets = createExpiryBuckets(0)
      for (let second = 0; second < past; second += 1)
        buckets.file(`${second}`, (past + 5_000 + second) * 1_000, undefined)
      for (let second = 0; second < past; second += 100) buckets.takeExpired(second * 1_000)
      const begun = performance.now()
      for (let second = past; second < past + 2_000; second += 1) buckets.takeExpired(second * 1_000)
      return performance.now() - begun
    }
    costAfter(1_000)
    expect(costAfter(100_000) / costAfter(1_000)).toBeLessThan(25)
  })
})
