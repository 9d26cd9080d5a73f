import { describe, expect, test } from 'vitest'
import { failed, passed, sum, summary } from '../src/counts.ts'

describe('the counts of a run', () => {
  test('are the sums over its steps', () => {
    expect(sum([passed, failed, passed, { passed: 40, failed: 1, skipped: 3 }])).toEqual({
      passed: 42,
      failed: 2,
      skipped: 3,
    })
  })

  test('of no step at all are zero', () => {
    expect(sum([])).toEqual({ passed: 0, failed: 0, skipped: 0 })
  })

  test('read as one line, which names skipped ones only where there are some', () => {
    expect(summary({ passed: 12, failed: 0, skipped: 0 })).toBe('12 passed, 0 failed')
    expect(summary({ passed: 12, failed: 1, skipped: 2 })).toBe('12 passed, 1 failed, 2 skipped')
  })
})
