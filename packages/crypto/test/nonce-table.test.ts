import { describe, expect, it } from 'vitest'
import { decide, isExpired, type NonceOperation, type NonceRecord } from '../src/nonce-table.ts'

const NOW = 1_000_000
const LIVE = { leaseEnd: NOW + 1, expiresAt: NOW + 60_001 }
const LAPSED = { leaseEnd: NOW, expiresAt: NOW + 60_000 }

const RECORDS = {
  ABSENT: undefined,
  RELEASED: { state: 'released', expiresAt: NOW + 5 },
  'lapsed, other': { state: 'claimed', token: 'other', ...LAPSED },
  'lapsed, mine': { state: 'claimed', token: 'mine', ...LAPSED },
  'live, other': { state: 'claimed', token: 'other', ...LIVE },
  'live, mine': { state: 'claimed', token: 'mine', ...LIVE },
  COMPLETED: { state: 'completed', expiresAt: NOW + 5 },
} as const satisfies Record<string, NonceRecord | undefined>

const OPERATIONS = {
  'claim fresh': { kind: 'claim', token: 'mine', leaseMs: 29_750, retainMs: 600_000, stale: false },
  'claim stale': { kind: 'claim', token: 'mine', leaseMs: 29_750, retainMs: 600_000, stale: true },
  confirm: { kind: 'confirm', token: 'mine', retainMs: 420_000 },
  release: { kind: 'release', token: 'mine', retainMs: 600_000 },
  renew: { kind: 'renew', token: 'mine', leaseMs: 29_750 },
} as const satisfies Record<string, NonceOperation>

/** What is left behind where something is: the rest leaves the record as it was. */
const WRITTEN: Record<string, (before: NonceRecord | undefined) => NonceRecord | undefined> = {
  claimed: () => ({ state: 'claimed', token: 'mine', leaseEnd: NOW + 29_750, expiresAt: NOW + 600_000 }),
  extended: () => ({ state: 'claimed', token: 'mine', leaseEnd: NOW + 29_750, expiresAt: NOW + 89_750 }),
  completed: () => ({ state: 'completed', expiresAt: NOW + 420_000 }),
  released: () => ({ state: 'released', expiresAt: NOW + 600_000 }),
  same: (before) => before,
}

/** The table of protocol.md 5, its column "CLAIMED lapsed" and "CLAIMED mine" taken apart: answer, and the record afterwards. */
const TABLE = `
            | ABSENT          | RELEASED              | lapsed, other         | lapsed, mine          | live, other    | live, mine            | COMPLETED
claim fresh | granted claimed | granted-again claimed | granted-again claimed | granted-again claimed | in-flight same | granted-again claimed | completed same
claim stale | expired same    | granted-again claimed | granted-again claimed | granted-again claimed | in-flight same | granted-again claimed | completed same
confirm     | ok completed    | ok completed          | lost same             | ok completed          | lost same      | ok completed          | already same
release     | lost same       | lost same             | lost same             | ok released           | lost same      | ok released           | lost same
renew       | lost same       | lost same             | lost same             | ok extended           | lost same      | ok extended           | lost same`

const [columns, ...rows] = TABLE.trim()
  .split('\n')
  .map((line) => line.split('|').map((cell) => cell.trim()))
const CELLS = rows.flatMap(([operation = '', ...cells]) =>
  cells.map(
    (cell, index) => [operation, columns?.[index + 1] ?? '', ...cell.split(' ')] as [string, string, string, string],
  ),
)

describe('the state table (protocol.md 5)', () => {
  it.each(CELLS)('%s on %s: %s, then %s', (operation, column, answer, after) => {
    const record = Object.freeze(RECORDS[column as keyof typeof RECORDS])
    const decision = decide(record, OPERATIONS[operation as keyof typeof OPERATIONS], NOW)
    expect(decision).toEqual({ answer, record: WRITTEN[after]?.(record) })
  })

  it('has 35 cells, each tested', () => {
    expect(CELLS.map(([operation, column]) => `${operation}: ${column}`)).toHaveLength(35)
    expect(columns?.slice(1)).toEqual(Object.keys(RECORDS))
  })

  it('takes a record for absent after its last millisecond, not in it', () => {
    for (const record of Object.values(RECORDS)) {
      if (record === undefined) continue
      const { expiresAt } = record
      expect([isExpired(record, expiresAt), isExpired(record, expiresAt + 1)]).toEqual([false, true])
      expect(decide(record, OPERATIONS['claim fresh'], expiresAt).answer).not.toBe('granted')
      expect(decide(record, OPERATIONS['claim fresh'], expiresAt + 1).answer).toBe('granted')
      expect(decide(record, OPERATIONS.release, expiresAt + 1)).toEqual({ answer: 'lost', record: undefined })
    }
  })

  it('renews without ever shortening the life of a record', () => {
    const record = { state: 'claimed', token: 'mine', leaseEnd: NOW + 10, expiresAt: NOW + 600_000 } as const
    expect(decide(record, OPERATIONS.renew, NOW).record).toEqual({ ...record, leaseEnd: NOW + 29_750 })
    expect(decide(record, { ...OPERATIONS.renew, leaseMs: 540_001 }, NOW).record?.expiresAt).toBe(NOW + 600_001)
  })
})
