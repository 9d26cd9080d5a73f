import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { createWatch } from '../src/watch.ts'

const keyOf = (name: string): Buffer => createHash('sha256').update(name).digest()
const key = keyOf('key')
const line = { key: key.toString('hex') }

describe('a watch', () => {
  test('tells where a key was shown and in which spelling, without the key', () => {
    const watch = createWatch()
    watch.learn(key)
    watch.look('log', [line, 'Key loaded'], 'src/a.ts:7')
    watch.look('JSON', JSON.stringify(line))
    expect(watch.take()).toEqual([
      { channel: 'log', spelling: 'hex', text: 'log at src/a.ts:7: [key, hex]' },
      { channel: 'JSON', spelling: 'hex', text: String.raw`JSON: {\"key\":\"[key, hex]` },
    ])
  })

  test('tells of each leak once', () => {
    const watch = createWatch()
    watch.learn(key)
    watch.look('log', [line, line], 'src/a.ts:7')
    expect(watch.take()).toHaveLength(1)
    expect(watch.take()).toEqual([])
  })

  test('finds a key that was shown before it was made, while its text was read', () => {
    const watch = createWatch()
    watch.look('log', [line, 'Text read'], 'src/a.ts:7')
    watch.learn(key)
    expect(watch.take()).toHaveLength(1)
  })

  test('takes back what a key store received, and nothing else, however much was shown', () => {
    const watch = createWatch()
    watch.learn(key)
    const request = JSON.stringify({ value: key.toString('base64') })
    watch.look('JSON', request)
    watch.forget(request)
    expect(watch.take()).toEqual([])
    watch.look('JSON', request)
    watch.look('JSON', 'x'.repeat(200_000))
    watch.forget(request)
    expect(watch.take()).toEqual([])
    watch.look('JSON', request)
    watch.forget('another text')
    expect(watch.take()).not.toEqual([])
  })

  test('takes nothing back that was logged as well, before or after', () => {
    const watch = createWatch()
    watch.learn(key)
    const request = JSON.stringify({ value: key.toString('hex') })
    for (const channels of [['JSON', 'log'] as const, ['log', 'JSON'] as const]) {
      for (const channel of channels) watch.look(channel, request)
      watch.forget(request)
      expect(watch.take().map(({ channel }) => channel)).toEqual(['log'])
    }
    watch.look('log', request)
    watch.look('JSON', 'x'.repeat(200_000))
    watch.forget(request)
    expect(watch.take()).toHaveLength(1)
  })

  test('keeps the bytes of a key, though their owner overwrites them', () => {
    const watch = createWatch()
    const copy = Buffer.from(key)
    watch.learn(copy)
    copy.fill(0)
    watch.look('log', line)
    expect(watch.take()).toHaveLength(1)
  })

  test('takes bytes that hardly differ for no key', () => {
    const watch = createWatch()
    watch.learn(Buffer.alloc(32, 'ab'))
    watch.look('log', Buffer.alloc(64, 'ab').toString('hex'))
    expect(watch.take()).toEqual([])
  })

  test('finds any eleven bytes in a row, and so each half', () => {
    const watch = createWatch()
    watch.learn(key)
    for (let at = 0; at + 11 <= key.length; at += 1) {
      watch.look('log', key.subarray(at, at + 11).toString('hex'))
      expect(watch.take()).toHaveLength(1)
    }
  })

  test('lets nothing wait that it has no room for', () => {
    const watch = createWatch()
    watch.look('log', line)
    watch.look('JSON', 'x'.repeat(200_000))
    watch.learn(key)
    expect(watch.take()).toEqual([])
  })

  test('keeps neither keys nor leaks without end', () => {
    const watch = createWatch()
    const keys = Array.from({ length: 3_000 }, (_, index) => keyOf(`key ${index}`))
    for (const each of keys) watch.learn(each)
    for (const each of keys) watch.look('log', each.toString('hex'))
    expect(watch.take()).toHaveLength(10)
    watch.look('log', keys[0]?.toString('hex'))
    expect(watch.take()).toEqual([])
    watch.look('log', keys.at(-1)?.toString('hex'))
    expect(watch.take()).toHaveLength(1)
  })
})
