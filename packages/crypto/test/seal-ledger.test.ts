import { describe, expect, it } from 'vitest'
import { createSealLedger } from '../src/seal-ledger.ts'

const setUp = (maxSealsPerKey: number, hasAudience = false, firstWarning = 1_000) => {
  const ledger = createSealLedger({ maxSealsPerKey, hasAudience, firstWarning })
  const warnings: string[] = []
  const warn = (fields: { key_id: string }, text: string): void => void warnings.push(`${fields.key_id}: ${text}`)
  return { record: (keyId: string, queue = 'orders') => ledger.record(keyId, queue, warn), warnings }
}

describe('the count of seals (protocol.md 3, attack 39)', () => {
  it('stops a key at its limit, and that key alone', () => {
    const { record } = setUp(3)
    for (let seal = 0; seal < 3; seal += 1) record('a')
    expect(() => record('a')).toThrow(expect.objectContaining({ code: 'KeyUsageLimitExceeded' }))
    record('b')
  })

  it('warns from a first number on, and then at each doubling', () => {
    const { record, warnings } = setUp(100, false, 4)
    for (let seal = 0; seal < 40; seal += 1) record('a')
    expect(warnings.map((warning) => warning.match(/\d+/)?.[0])).toEqual(['4', '8', '16', '32'])
  })

  it('warns once when one key seals for a second queue without an audience', () => {
    const { record, warnings } = setUp(100)
    for (const queue of ['orders', 'orders', 'refunds', 'refunds', 'returns']) record('a', queue)
    record('b', 'orders')
    expect(warnings).toEqual([
      'a: One key seals for two queues without an audience: a message of one opens on the other',
    ])
    const apart = setUp(100, true)
    for (const queue of ['orders', 'refunds']) apart.record('a', queue)
    expect(apart.warnings).toEqual([])
  })
})
