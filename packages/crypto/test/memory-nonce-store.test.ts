import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { fakeClock } from '@queue-runtime/core/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { memoryNonceStore, type NonceClaim, type NonceIdentity } from '../src/index.ts'
import { decide, type NonceOperation, type NonceRecord } from '../src/nonce-table.ts'
import { SCALED_TIMEOUT_MS, scaled } from './scale.ts'
import { NOW } from './support.ts'

const nonceOf = (number: number): Uint8Array => {
  const nonce = Buffer.alloc(12)
  nonce.writeUInt32BE(number, 8)
  return nonce
}

const identity = (number: number, token = 't'): NonceIdentity => ({
  scope: 'orders',
  keyId: 'k',
  nonce: nonceOf(number),
  token,
})

const claim = (number: number, fields: Partial<NonceClaim> = {}): NonceClaim => ({
  ...identity(number),
  leaseMs: 29_750,
  retainMs: 600_000,
  stale: false,
  ...fields,
})

const unavailable = expect.objectContaining({ code: 'NonceStoreUnavailable' })

const setUp = (maxRecords?: number) => {
  const clock = fakeClock(NOW)
  return { clock, store: memoryNonceStore({ clock, maxRecords }) }
}

describe('memoryNonceStore', () => {
  it('answers as the state table does, in any order of calls and at any moment (protocol.md 5)', {
    timeout: SCALED_TIMEOUT_MS,
  }, async () => {
    const token = fc.constantFrom('a', 'b', 'c')
    const lasts = fc.constantFrom(1, 999, 1_000, 2_500, 60_000)
    const operation = fc.oneof(
      fc.record({ kind: fc.constant('claim'), token, leaseMs: lasts, retainMs: lasts, stale: fc.boolean() }),
      fc.record({ kind: fc.constant('confirm'), token, retainMs: lasts }),
      fc.record({ kind: fc.constant('release'), token, retainMs: lasts }),
      fc.record({ kind: fc.constant('renew'), token, leaseMs: lasts }),
    ) as fc.Arbitrary<NonceOperation>
    const step = fc.record({
      passes: fc.constantFrom(0, 0, 1, 500, 1_000, 60_001),
      number: fc.integer({ min: 0, max: 2 }),
      operation,
    })
    const run = async (steps: readonly { passes: number; number: number; operation: NonceOperation }[]) => {
      const { clock, store } = setUp()
      const records = new Map<number, NonceRecord | undefined>()
      const ask = async (id: NonceIdentity, asked: NonceOperation): Promise<string | undefined> => {
        if (asked.kind === 'claim') return (await store.claim([{ ...id, ...asked }]))[0]
        if (asked.kind === 'renew') return store.renew(id, asked.leaseMs)
        return store[asked.kind](id, asked.retainMs)
      }
      let now = NOW
      for (const { passes, number, operation } of steps) {
        if (passes > 0) await clock.advance(passes)
        now += passes
        const { answer, record } = decide(records.get(number), operation, now)
        records.set(number, record)
        expect(await ask(identity(number, operation.token), operation)).toBe(answer)
      }
    }
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 30 }), run), { numRuns: scaled(500), seed: 5 })
  })

  it('tells every scope, key id and nonce apart, whatever they hold', { timeout: SCALED_TIMEOUT_MS }, async () => {
    const text = fc.constantFrom('', 'a', 'b', ':', '"', ',', '","', 'a:b', 'a","b', '\\', '\n', '\ud800')
    const place = fc.record({ scope: text, keyId: text, nonce: fc.uint8Array({ maxLength: 2 }) })
    await fc.assert(
      fc.asyncProperty(fc.array(place, { minLength: 2, maxLength: 20 }), async (places) => {
        const distinct = new Set(places.map(({ scope, keyId, nonce }) => JSON.stringify([scope, keyId, [...nonce]])))
        const { store } = setUp()
        const answers = await store.claim(places.map((one, index) => claim(0, { ...one, token: `${index}` })))
        expect(answers.filter((answer) => answer === 'granted')).toHaveLength(distinct.size)
      }),
      { numRuns: scaled(500), seed: 5 },
    )
  })

  it('grants one of two that come at once, in one call or in two', async () => {
    const { store } = setUp()
    const two = [claim(1, { token: 'a' }), claim(1, { token: 'b' })] as const
    expect(await store.claim(two)).toEqual(['granted', 'in-flight'])
    const other = two.map((request) => store.claim([{ ...request, keyId: 'another' }]))
    expect(await Promise.all(other)).toEqual([['granted'], ['in-flight']])
  })
})

describe('a full memoryNonceStore', () => {
  it('claims nothing of a call that it has no room for', async () => {
    const { store } = setUp(3)
    await store.claim([claim(1), claim(2)])
    await expect(store.claim([claim(1), claim(3), claim(4)])).rejects.toEqual(unavailable)
    expect(await store.claim([claim(3, { token: 'x' })])).toEqual(['granted'])
    expect(await store.claim([claim(1, { token: 'x' })])).toEqual(['in-flight'])
  })

  it('forgets nothing before its time, and goes on with what it knows', async () => {
    const { clock, store } = setUp(2)
    await store.claim([claim(1), claim(2)])
    await store.confirm(identity(1), 600_000)
    await clock.advance(590_000)
    await expect(store.claim([claim(3)])).rejects.toEqual(unavailable)
    await expect(store.confirm(identity(3), 600_000)).rejects.toEqual(unavailable)
    expect(await store.claim([claim(1, { token: 'x' })])).toEqual(['completed'])
    expect(await store.release(identity(2), 600_000)).toBe('ok')
  })

  it('has room again when records have expired', async () => {
    const { clock, store } = setUp(100)
    for (let round = 0; round < 20; round += 1) {
      const requests = Array.from({ length: 100 }, (_, index) => claim(round * 100 + index))
      expect(new Set(await store.claim(requests))).toEqual(new Set(['granted']))
      await clock.advance(601_000)
    }
  })

  it('is of the size that was set, a whole number', () => {
    for (const options of [{ maxRecords: 0 }, { maxRecords: 1.5 }, { clock: {} }, { maxRecord: 5 }]) {
      expect(() => memoryNonceStore(options as never)).toThrow(expect.objectContaining({ code: 'Configuration' }))
    }
  })
})

describe('the memory that memoryNonceStore takes', () => {
  it('does not grow with the envelopes that came and went (PF7)', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const { clock, store } = setUp()
    let number = 0
    /** Ten minutes of traffic: claimed, renewed, confirmed or given back. */
    const round = async (): Promise<number> => {
      for (let second = 0; second < 600; second += 1) {
        await clock.advance(1_000)
        for (let count = 0; count < 20; count += 1) {
          number += 1
          await store.claim([claim(number)])
          await store.renew(identity(number), 45_000)
          if (count % 4 === 0) await store.release(identity(number), 600_000)
          else await store.confirm(identity(number), 600_000)
        }
      }
      collect()
      return process.memoryUsage().heapUsed
    }
    await round()
    const before = await round()
    for (let rounds = 0; rounds < 5; rounds += 1) await round()
    const after = await round()
    expect(after / before).toBeLessThan(1.05)
  }, 60_000)
})
