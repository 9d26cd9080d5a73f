import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { createFinder } from '../src/finder.ts'
import { createLeakFinder } from '../src/index.ts'

/** Bytes without a pattern, the same in every run. */
const bytes = (name: string): Buffer => createHash('sha256').update(name).digest()

const secret = bytes('secret')
const part = secret.subarray(5, 17)
const typed = new Uint8Array(secret)
const after = (before: string, what: Buffer): Buffer => Buffer.concat([Buffer.from(before), what])
const hexPairs = (piece: Buffer, between: string): string =>
  Array.from(piece, (byte) => byte.toString(16).padStart(2, '0')).join(between)

const written: readonly (readonly [string, string])[] = [
  ['raw', part.toString('latin1')],
  ['raw', JSON.stringify({ key: part.toString('latin1') })],
  ['raw', inspect({ key: part.toString('latin1') })],
  ['utf8', secret.toString('utf8')],
  ['utf8', JSON.stringify(secret.toString('utf8'))],
  ['hex', part.toString('hex')],
  ['hex', part.toString('hex').toUpperCase()],
  ['hex', secret.subarray(11, 19).toString('hex')],
  ['hex', inspect(part)],
  ...[':', ', 0x', '\\x', '\\u00', '%'].map((between) => ['hex', hexPairs(part, between)] as const),
  ['numbers', inspect(part.toJSON())],
  ['numbers', JSON.stringify(part)],
  ['numbers', JSON.stringify(typed)],
  ['numbers', JSON.stringify([...part])],
  ['numbers', JSON.stringify([...part], null, 2)],
  ['numbers', inspect(new Uint8Array(part))],
  ['numbers', inspect({ ...typed })],
  ['numbers', part.join()],
  ['numbers', JSON.stringify([...part.subarray(0, 8)])],
  ...['', 'a', 'ab'].map((before) => ['base64', after(before, part).toString('base64')] as const),
  ...['', 'a', 'ab'].map((before) => ['base64url', after(before, part).toString('base64url')] as const),
  ['base64', Buffer.concat([after('ab', secret), Buffer.from('c')]).toString('base64')],
]

describe('a part of a secret is found (X20)', () => {
  test.each(written)('as %s, in writing %#', (spelling, text) => {
    expect(createLeakFinder(secret)(`before ${text} after`)).toContain(spelling)
  })

  test('at the beginning and at the end of a text, and as all of it', () => {
    const find = createLeakFinder(secret)
    const text = secret.toString('hex')
    for (const whole of [text, `${text} after`, `before ${text}`]) expect(find(whole)).toEqual(['hex'])
  })

  test('wherever it is cut, by a finder that keeps one piece in four', () => {
    const finder = createFinder(4)
    finder.add(secret)
    for (let at = 0; at + 11 <= secret.length; at += 1) {
      const cut = secret.subarray(at, at + 11)
      for (const before of ['', 'a', 'ab']) {
        const text = [
          cut.toString('hex'),
          cut.toString('latin1'),
          after(before, cut).toString('base64'),
          cut.join(', '),
        ]
        const found = text.map((each) => finder.find(each).map(({ spelling }) => spelling))
        expect(found).toEqual([['hex'], ['raw'], expect.arrayContaining(['base64']), ['numbers']])
      }
    }
  })

  test('of each of very many, and at its place', () => {
    const finder = createFinder(4)
    const all = Array.from({ length: 2_000 }, (_, index) => bytes(`secret ${index}`))
    for (const each of all) finder.add(each)
    for (const each of all) expect(finder.find(`key=${each.toString('hex')}`)).toEqual([{ spelling: 'hex', at: 4 }])
    expect(finder.find(bytes('another').toString('hex'))).toEqual([])
  })
})

describe('nothing is found', () => {
  const other = bytes('other')
  const spelled = [
    other.toString('latin1'),
    other.toString('utf8'),
    inspect(other),
    JSON.stringify(other),
    inspect(typed),
  ]

  test('of another secret, however it is spelled', () => {
    const find = createLeakFinder(bytes('not there'))
    for (const text of [...spelled, other.toString('base64'), other.toString('base64url')])
      expect(find(text)).toEqual([])
  })

  test('in a great many other bytes', () => {
    const find = createLeakFinder(secret)
    const many = Buffer.concat(Array.from({ length: 2_000 }, (_, index) => bytes(`${index}`)))
    for (const encoding of ['latin1', 'utf8', 'hex', 'base64', 'base64url'] as const) {
      expect(find(many.toString(encoding))).toEqual([])
    }
    expect(find(inspect(many, { maxArrayLength: null }) + JSON.stringify(many))).toEqual([])
  })

  test('in a text that is no more UTF-8 than the secret', () => {
    const find = createLeakFinder(secret.map((byte) => byte | 0x80))
    expect(find('\ufffd'.repeat(100))).toEqual([])
  })

  test('of seven bytes', () => {
    const few = secret.subarray(3, 10)
    const find = createLeakFinder(secret)
    for (const text of [few.toString('hex'), few.toString('latin1'), few.join(), few.toString('base64')]) {
      expect(find(`before ${text} after`)).toEqual([])
    }
  })
})

describe('a key whose bytes count, as many tests use it,', () => {
  const key = Buffer.from(Array.from({ length: 32 }, (_, index) => index + 0x28))
  const find = createLeakFinder(key)

  test('is found whole in every spelling, and in pieces in hex and base64', () => {
    expect(find(key.toString('latin1'))).toEqual(['raw'])
    expect(find(JSON.stringify({ key: key.toString('latin1') }))).toEqual(['raw'])
    expect(find(inspect(new Uint8Array(key)))).toEqual(['numbers'])
    expect(find(JSON.stringify([...key]))).toEqual(['numbers'])
    expect(find(key.subarray(8, 20).toString('hex'))).toEqual(['hex'])
    expect(find(key.subarray(9, 21).toString('base64'))).toEqual(['base64', 'base64url'])
  })

  test('is not taken for an alphabet, digits or a list that counts', () => {
    const numbers = JSON.stringify(Array.from({ length: 100 }, (_, index) => index))
    expect(find(`0123456789 ABCDEFGHIJKLMNOPQRSTUVWXYZ ${numbers}`)).toEqual([])
  })
})
