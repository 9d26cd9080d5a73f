import { createSecretKey, randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { listener } from '../src/listener.ts'

const { given, made, watch } = listener()

/** The bytes of a key that the watch of this very run knows. */
const newKey = (): Buffer => {
  const bytes = randomBytes(32)
  createSecretKey(bytes)
  return bytes
}

test('there is one listener in a process', () => {
  expect(listener().watch).toBe(watch)
})

test('what it is told comes back as it was, and is looked at', () => {
  const [labels, error] = [{ key: newKey().toString('hex') }, new Error(newKey().toString('base64'))]
  expect(given('metric', 'a', 1, labels)).toEqual([1, labels])
  expect(made('error', 'b', error)).toBe(error)
  expect(watch.take().map(({ channel, spelling }) => [channel, spelling])).toEqual(
    expect.arrayContaining([
      ['metric', 'hex'],
      ['error', 'base64'],
    ]),
  )
})

test('what is not added to a meter or written to a stream, and what is called by another name, is not looked at', () => {
  const value = { key: newKey() }
  expect(given('metric', 'a', value, 1)).toEqual([value, 1])
  expect(given('console', 'a', value)).toEqual([value])
  expect(given(undefined, 'a', value)).toEqual([value])
  expect(watch.take()).toEqual([])
})
