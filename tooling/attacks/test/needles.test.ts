import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { keyBytes } from '../src/keys.ts'
import { spellingsIn, windowsShared } from '../src/needles.ts'
import { shownOf } from '../src/outputs.ts'

const key = Buffer.from(keyBytes('any'))
const parts = key.toString('base64url').slice(5, 20)

describe('a key is found', () => {
  it.each([
    ['raw', key.toString('latin1')],
    ['raw', JSON.stringify({ key: key.toString('latin1') })],
    ['raw', inspect({ key: key.toString('latin1') })],
    ['hex', `key=${key.toString('hex')};`],
    ['hex', key.toString('hex').toUpperCase()],
    ['hex', inspect(key)],
    ['base64', key.toString('base64')],
    ['base64url', `x${parts}x`],
    ['base64', Buffer.concat([Buffer.from('a'), key]).toString('base64')],
    ['base64', Buffer.concat([Buffer.from('ab'), key]).toString('base64')],
    ['numbers', JSON.stringify(key)],
    ['numbers', inspect(new Uint8Array(key))],
    ['hex', key.subarray(11, 20).toString('hex')],
  ])('as %s in %j', (spelling, shown) => {
    expect(spellingsIn(`before ${shown} after`, key)).toContain(spelling)
  })

  it('in an error, in a property that is not enumerable, and behind a getter', () => {
    const hidden = Object.defineProperty({}, 'key', { value: key })
    const got = {
      get key() {
        return key.toString('hex')
      },
    }
    for (const value of [new Error(key.toString('hex')), hidden, got]) {
      expect(spellingsIn(shownOf(value), key)).toContain('hex')
    }
  })
})

describe('nothing is found', () => {
  it('of another key, however it is spelled', () => {
    const other = Buffer.from(keyBytes('other'))
    const shown = [shownOf(other), other.toString('base64'), other.toString('base64url'), other.toString('latin1')]
    expect(spellingsIn(shown.join('\n'), key)).toEqual([])
  })

  it('of a secret that is not there', () => {
    const secret = Buffer.from('secret-4711-account')
    expect(windowsShared(secret, Buffer.from('secret 4711 account'))).toBe(0)
    expect(windowsShared(secret, Buffer.from('"ret-4711-"'))).toBe(2)
  })
})
