import { createLeakFinder } from '@queue-runtime/leaks'
import { describe, expect, it } from 'vitest'
import { keyBytes } from '../src/keys.ts'
import { windowsShared } from '../src/needles.ts'
import { shownOf } from '../src/outputs.ts'

describe('what is shown of a value', () => {
  const key = Buffer.from(keyBytes('any'))

  it('has a key in an error, in a property that is not enumerable, and behind a getter', () => {
    const hidden = Object.defineProperty({}, 'key', { value: key })
    const got = {
      get key() {
        return key.toString('hex')
      },
    }
    for (const value of [new Error(key.toString('hex')), hidden, got]) {
      expect(createLeakFinder(key)(shownOf(value))).toContain('hex')
    }
  })

  it('has nothing of another key', () => {
    expect(createLeakFinder(key)(shownOf(Buffer.from(keyBytes('other'))))).toEqual([])
  })
})

describe('windows of a secret', () => {
  it('are counted where they are, and only there', () => {
    const secret = Buffer.from('secret-4711-account')
    expect(windowsShared(secret, Buffer.from('secret 4711 account'))).toBe(0)
    expect(windowsShared(secret, Buffer.from('"ret-4711-"'))).toBe(2)
  })
})
