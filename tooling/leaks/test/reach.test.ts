import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { eachText } from '../src/reach.ts'

const textsOf = (value: unknown): string[] => {
  const texts: string[] = []
  eachText(value, (text) => texts.push(text))
  return texts
}

class Closed {
  readonly #hidden = 'hidden'
  toJSON(): unknown {
    return { told: [this.#hidden] }
  }
}

describe('the watch reads', () => {
  test.each([
    ['a text', 'hidden'],
    ['a list', [1, ['hidden']]],
    ['a property', { a: { b: 'hidden' } }],
    ['the name of a property', { hidden: 1 }],
    ['a property that is not enumerable', Object.defineProperty(new Error('a'), 'b', { value: 'hidden' })],
    ['a property under a symbol', { [Symbol('a')]: 'hidden' }],
    ['a map', new Map([[{ a: 1 }, 'hidden']])],
    ['the keys of a map', new Map([['hidden', 1]])],
    ['a set', new Set(['hidden'])],
    ['the text of an error', new Error('hidden')],
    ['its cause', new Error('a', { cause: new Error('hidden') })],
    ['errors in an error', new AggregateError([new Error('hidden')])],
    ['bytes', Buffer.from('hidden')],
    ['bytes without a view', new TextEncoder().encode('hidden').buffer],
    ['what an object says to JSON', new Closed()],
    ['what a plain object says to JSON', { toJSON: () => ['hidden'] }],
    ['what an object says to inspect', { [inspect.custom]: () => ({ a: 'hidden' }) }],
  ])('%s', (_, value) => {
    expect(textsOf({ value })).toContain('hidden')
  })

  test('a list of bytes as a list', () => {
    expect(textsOf([1, 2, 255])).toEqual(['1,2,255'])
  })

  test('what refers to itself, once', () => {
    const circle: Record<string, unknown> = { text: 'hidden' }
    circle.self = circle
    expect(textsOf(circle)).toEqual(['text', 'hidden', 'self'])
  })

  test('what is held twice, once', () => {
    const inner = { text: 'hidden' }
    expect(textsOf([inner, { inner }])).toEqual(['text', 'hidden', 'inner'])
  })

  test('a part of what is huge', () => {
    const huge = Array.from({ length: 100_000 }, (_, index) => ({ text: `${index}` }))
    expect(textsOf(huge).length).toBeLessThan(50_000)
  })
})

describe('the watch leaves alone', () => {
  test('getters that no logger asks', () => {
    let asked = 0
    const get = (): string => {
      asked += 1
      return 'hidden'
    }
    const value = Object.defineProperty(new Error('text'), 'secret', { get, enumerable: true })
    expect(textsOf(value)).toEqual(['stack', 'message', 'text', 'secret'])
    expect(asked).toBe(0)
  })

  test('dates', () => {
    expect(textsOf({ at: new Date(0) })).toEqual(['at'])
  })

  test('the stack of an error, which takes long to make', () => {
    const error = new Error('hidden')
    Object.defineProperty(error, 'cause', { value: 'told' })
    error.stack = 'untold'
    expect(textsOf(error)).toEqual(['stack', 'message', 'hidden', 'cause', 'told'])
  })

  test('what throws at every look', () => {
    const refuse = (): never => {
      throw new Error('refused')
    }
    const value = new Proxy({}, { ownKeys: refuse, get: refuse, getPrototypeOf: refuse })
    expect(textsOf(['before', value, 'after'])).toEqual(expect.arrayContaining(['before', 'after']))
  })
})
