import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { withListener } from '../src/calls.ts'
import { channelOf } from '../src/channels.ts'
import { LISTENER } from '../src/listener.ts'

/** Runs a source, and returns what it made of `out` and what the listener was told. */
function run(source: string): { out: unknown[]; told: unknown[][] } {
  const [out, told]: [unknown[], unknown[][]] = [[], []]
  const listener = {
    channelOf,
    given: (channel: string | undefined, place: string, ...values: unknown[]) => {
      if (channel !== undefined) told.push([channel, place, ...values])
      return values
    },
    made: (channel: string, place: string, value: unknown) => {
      told.push([channel, place, value])
      return value
    },
  }
  const keep = (...values: unknown[]): void => void out.push(...values)
  const names = ['info', 'warn', 'error', 'add', 'record', 'setAttribute', 'write', 'settle']
  const sink = Object.fromEntries(names.map((name) => [name, keep]))
  runInNewContext(withListener(source, 'src/a.ts'), { [LISTENER]: listener, sink, out, none: undefined })
  return { out, told }
}

describe('the listener is told of', () => {
  test.each([
    ['a line of a log', `sink.info({ a: 1 }, 'text')`, ['log', 'src/a.ts:1', { a: 1 }, 'text']],
    ['a level that is named at run time', `const level = 'warn'; sink[level]('a')`, ['log', 'src/a.ts:1', 'a']],
    ['a level that is made up at run time', `sink['wa' + 'rn']('a')`, ['log', 'src/a.ts:1', 'a']],
    ['a method that was taken out of its logger', `const { error } = sink; error('a')`, ['log', 'src/a.ts:1', 'a']],
    ['a logger that may be missing', `sink?.warn?.('a',)`, ['log', 'src/a.ts:1', 'a']],
    ['a list that is spread', `sink.warn(...['a', 'b'])`, ['log', 'src/a.ts:1', 'a', 'b']],
    ['a measure', `sink.add(1, { queue: 'a' })`, ['metric', 'src/a.ts:1', 1, { queue: 'a' }]],
    ['what is written to a stream', `sink.write('a')`, ['console', 'src/a.ts:1', 'a']],
    ['an attribute of a span', `sink.setAttribute('a', 'b')`, ['span', 'src/a.ts:1', 'a', 'b']],
  ])('%s, and the call is as it was', (_, source, told) => {
    const result = run(source)
    expect(result.told).toEqual([told])
    expect(result.out).toEqual(told.slice(2))
  })

  test('an error, wherever it is made', () => {
    const { out, told } = run(`
      class QueueError extends Error {}
      out.push(new QueueError('a'))
      try { throw new TypeError('b') } catch (error) { out.push(error) }
      sink.warn(new Error('c'), new RangeError('d'))`)
    expect(told.map(([channel, place]) => `${channel} ${place}`)).toEqual([
      'error src/a.ts:3',
      'error src/a.ts:4',
      'error src/a.ts:5',
      'error src/a.ts:5',
      'log src/a.ts:5',
    ])
    expect(out.map(String)).toEqual(['Error: a', 'TypeError: b', 'Error: c', 'RangeError: d'])
  })

  test('what an error is made to show later', () => {
    const { told } = run(`const copy = new Error('a')\ncopy.stack = 'b'\ncopy.message += 'c'\nout.push(copy)`)
    expect(told.slice(1)).toEqual([['error', 'src/a.ts:2', 'b']])
  })
})

test('a value of several expressions stays what it was', () => {
  const { out } = run(`const copy = new Error('a')\ncopy.message = (out.push('b'), 'c')\nout.push(copy.message)`)
  expect(out).toEqual(['b', 'c'])
})

describe('the listener is not told of', () => {
  test.each([
    ['what is added to a set', `sink.add('a')`],
    ['a call without arguments', 'sink.info()'],
    ['a call of nothing', 'none?.warn(1)'],
    ['what is written into a buffer', `sink.write('a', 'hex')`],
    ['other calls', `sink.settle('a')`],
    ['other calls that are named at run time', `const name = 'settle'; sink[name]('a')`],
  ])('%s', (_, source) => {
    expect(run(source).told).toEqual([])
  })
})

describe('a source', () => {
  test('keeps its lines and its types', () => {
    const source = `const log = <T,>(a: T): void => {\n  sink.warn<() => T>(\n    a,\n  )\n}\n`
    const changed = withListener(source, 'src/a.ts')
    expect(changed.split('\n')).toHaveLength(source.split('\n').length)
    expect(changed).toContain(`sink.warn<() => T>(...${LISTENER}.given('log', "src/a.ts:2", \n`)
  })

  test('that tells nothing is left as it is', () => {
    const source = `export const a: number = 1 // sink.warn('a')\n`
    expect(withListener(source, 'src/a.ts')).toBe(source)
  })
})
