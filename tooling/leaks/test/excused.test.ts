import { describe, expect, test } from 'vitest'
import { EXCUSES, type Excuse, inexcusable } from '../src/excused.ts'
import type { Leak } from '../src/watch.ts'

const excuse: Excuse = { file: 'a.test.ts', test: 'logs keys', channels: ['log'], reason: 'A test.' }
const leak = (channel: Leak['channel']): Leak => ({ channel, spelling: 'hex', text: channel })
const [log, json] = [leak('log'), leak('JSON')]
const left = (file: string, name: string, ...leaks: Leak[]): Leak[] => inexcusable({ file, name }, leaks, [excuse])

describe('an excuse', () => {
  test('covers what it names', () => {
    expect(left('a.test.ts', 'a library that logs keys', log)).toEqual([])
  })

  test('covers no other channel, test or file', () => {
    expect(left('a.test.ts', 'a library that logs keys', log, json)).toEqual([json])
    expect(left('a.test.ts', 'a library', log)).toEqual([log])
    expect(left('b.test.ts', 'a library that logs keys', log)).toEqual([log])
  })

  test('is refused where nothing needs it', () => {
    expect(() => left('a.test.ts', 'a library that logs keys')).toThrow('needs no excuse')
  })

  test('has a reason', () => {
    for (const { reason } of EXCUSES) expect(reason).toMatch(/^[A-Z].{20,}\.$/)
  })
})
