import { beforeEach, expect, test, vi } from 'vitest'
import type * as heap from '../src/heap.ts'
import { bytes, look, never, sendAll, setUp } from './support.ts'

const count = vi.hoisted(() => ({ comparisons: 0, items: 0 }))

vi.mock('../src/heap.ts', async (importOriginal) => {
  const { createHeap } = await importOriginal<typeof heap>()
  const counted: typeof createHeap = (before) => {
    const inner = createHeap<Parameters<typeof before>[0]>((a, b) => {
      count.comparisons += 1
      return before(a, b)
    })
    const inside = new Set<unknown>()
    return {
      first: inner.first,
      add(item) {
        const place = inner.add(item)
        inside.add(place)
        count.items += 1
        return place
      },
      delete(place) {
        inner.delete(place)
        if (inside.delete(place)) count.items -= 1
      },
    }
  }
  return { createHeap: counted }
})

beforeEach(() => {
  count.comparisons = 0
  count.items = 0
})

const CYCLES = 200

/** Comparisons that one send, receive, renewal, abandon, receive and complete need while `queued` others are stored. */
async function comparisonsPerCycle(queued: number): Promise<number> {
  const { broker, transport } = setUp({ timeToLiveMs: 3_600_000, maxDeliveryCount: 1_000 })
  const body = bytes('a')
  for (let index = 0; index < queued; index += 1) broker.queue('orders').put({ messageId: 'm', body })
  count.comparisons = 0
  for (let cycle = 0; cycle < CYCLES; cycle += 1) {
    await sendAll(transport, 'b')
    const [first] = await look(transport, 1)
    await first?.renewLock()
    await first?.abandon({ delayMs: 0 })
    const [second] = await look(transport, 1)
    await second?.complete()
  }
  return count.comparisons / CYCLES
}

test('the work per message grows with the logarithm of the queue, not with the queue', async () => {
  const [few, many] = [await comparisonsPerCycle(2 ** 10), await comparisonsPerCycle(2 ** 17)]
  expect(few).toBeGreaterThan(0)
  expect(many / few).toBeLessThan((1.5 * 17) / 10)
  expect(many).toBeLessThan(20 * 17)
})

test('what is settled leaves nothing behind: what is kept follows what is stored', async () => {
  const { broker, clock, transport } = setUp({ timeToLiveMs: 3_600_000, maxDeliveryCount: 5 })
  for (let cycle = 0; cycle < 2_000; cycle += 1) {
    const waiting = transport.receive({ maxMessages: 10, waitMs: 1_000, signal: never })
    await sendAll(transport, 'a', 'b', 'c')
    for (const delivery of await waiting) {
      await delivery.renewLock()
      await (cycle % 3 === 0 ? delivery.abandon({ delayMs: cycle % 2 }) : delivery.complete())
    }
    for (const { brokerMessageId } of broker.queue('orders').messages()) broker.queue('orders').remove(brokerMessageId)
  }
  expect(count.items).toBe(0)
  expect(clock.sleepers).toBe(0)
})
