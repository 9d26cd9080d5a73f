import { fakeClock } from '@queue-runtime/core/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createHeap, type Place } from '../src/store/heap.ts'
import { createQueue, type Queue } from '../src/store/queue.ts'
import { DEFAULT_SETTINGS, type QueueSettings } from '../src/store/settings.ts'
import { START } from './support.ts'

const content = (messageId: string, sessionId?: string) => ({
  ...{ messageId, sessionId, timeToLiveMs: undefined, scheduledAt: undefined, payload: new Uint8Array() },
})

const queueWith = (settings: Partial<QueueSettings> = {}): Queue =>
  createQueue('orders', { ...DEFAULT_SETTINGS, ...settings }, fakeClock(START))

test('a heap gives its items in order, whichever were taken out before', () => {
  const isTakenOut = fc.nat({ max: 5 }).map((number) => number === 0)
  const numbers = fc.array(fc.tuple(fc.nat(), isTakenOut), { maxLength: 100, size: 'max' })
  fc.assert(
    fc.property(numbers, (items) => {
      const heap = createHeap<readonly [number, boolean]>((a, b) => a[0] < b[0])
      const places = new Map<readonly [number, boolean], Place<readonly [number, boolean]>>(
        items.map((item) => [item, heap.add(item)]),
      )
      const takeOut = (item: readonly [number, boolean]): void => {
        const place = places.get(item)
        if (place !== undefined) heap.delete(place)
      }
      for (const item of items) if (item[1]) takeOut(item)
      const inOrder: number[] = []
      for (let first = heap.first(); first !== undefined; first = heap.first()) {
        inOrder.push(first[0])
        takeOut(first)
      }
      const left = items.filter(([, isTaken]) => !isTaken).map(([item]) => item)
      expect(inOrder).toEqual(left.sort((a, b) => a - b))
      expect(heap.size).toBe(0)
    }),
    { numRuns: 300, seed: 5_673 },
  )
})

test('consumers take turns', () => {
  const queue = queueWith()
  const got: string[] = []
  for (const name of ['A', 'B', 'C']) {
    queue.messages.join({
      ...{ mode: 'delete', hold: undefined, wants: () => true },
      deliver: ({ entry }) => got.push(`${name}${entry.sequenceNumber}`),
    })
  }
  for (let round = 0; round < 6; round += 1) queue.send([content(`${round}`)])
  expect(got).toEqual(['A1', 'B2', 'C3', 'A4', 'B5', 'C6'])
})

test('a session is held by the link that locked it, and by no other', () => {
  const queue = queueWith({ requiresSession: true })
  const hold = queue.acceptSession('s-1', 'link-1', () => {})
  expect(queue.held('s-1', 'link-1')).toBe(hold)
  expect(queue.held('s-1', undefined)).toBe(hold)
  expect(() => queue.held('s-1', 'link-2')).toThrow('s-1')
  expect(() => queue.held('s-2', 'link-1')).toThrow('s-2')
})

test('a send of several messages stores all or none', () => {
  const queue = queueWith({ requiresSession: true })
  expect(() => queue.send([content('a', 's-1'), content('b')])).toThrow('SessionId')
  expect(queue.messages.peek(0, 10, undefined)).toEqual([])
})

test('whoever waits for a session is sent away at the deadline, and no sooner', async () => {
  const clock = fakeClock(START)
  const queue = createQueue('orders', { ...DEFAULT_SETTINGS, requiresSession: true }, clock)
  let isSentAway = false
  queue.acceptNext({
    ...{ owner: 'link', deadline: START + 1_000, onLost: () => {}, granted: () => {} },
    timedOut() {
      isSentAway = true
    },
  })
  await clock.advance(999)
  expect(isSentAway).toBe(false)
  await clock.advance(1)
  expect(isSentAway).toBe(true)
})
