import type { Delivery } from '@queue-runtime/core/provider'
import { beforeEach, expect, test, vi } from 'vitest'
import type * as heap from '../src/heap.ts'
import { createSessions } from '../src/session.ts'
import { accept, bodies, bytes, look, never, outcomeOf, sendAll, sendTo, setUp, take } from './support.ts'

const count = vi.hoisted(() => ({ comparisons: 0, looks: 0, items: 0 }))

vi.mock('../src/heap.ts', async (importOriginal) => {
  const { createHeap } = await importOriginal<typeof heap>()
  const counted: typeof createHeap = (before) => {
    const inner = createHeap<Parameters<typeof before>[0]>((a, b) => {
      count.comparisons += 1
      return before(a, b)
    })
    const inside = new Set<unknown>()
    return {
      first() {
        count.looks += 1
        return inner.first()
      },
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
  count.looks = 0
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

/** Counts the items of each large map or set that is walked through meanwhile. */
async function walkedIn(act: () => Promise<unknown>): Promise<number> {
  let walked = 0
  const walks = ([Map.prototype, Set.prototype] as const).flatMap((prototype) =>
    (['values', 'entries', 'keys', 'forEach', Symbol.iterator] as const).map((name) => {
      const original = Reflect.get(prototype, name) as (this: { size: number }, ...args: unknown[]) => unknown
      Reflect.set(prototype, name, function (this: { size: number }, ...args: unknown[]) {
        if (this.size > 1_000) walked += this.size
        return original.apply(this, args)
      })
      return () => Reflect.set(prototype, name, original)
    }),
  )
  await act()
  for (const restore of walks) restore()
  return walked
}

/** Steps that `act` needs: comparisons, looks at the first of a heap, and walks through large collections. */
async function stepsOf(act: () => Promise<unknown>): Promise<number> {
  const before = count.comparisons + count.looks
  const walked = await walkedIn(act)
  return count.comparisons + count.looks - before + walked
}

/** A queue with `size` messages, each in the session that `sessionOf` says. */
function setUpSessions(size: number, sessionOf: (index: number) => string) {
  const setting = setUp({ maxDeliveryCount: 1_000, timeToLiveMs: 3_600_000 })
  const queue = setting.broker.queue('orders')
  const body = bytes('a')
  for (let index = 0; index < size; index += 1) queue.put({ messageId: 'm', sessionId: sessionOf(index), body })
  return setting
}

/** What each operation costs, in steps, on a queue where one session is held. */
async function costs({ transport }: ReturnType<typeof setUp>): Promise<Record<string, number>> {
  const held = await accept(transport)
  const cost: Record<string, number> = {}
  cost['a plain receive that finds nothing, or another session'] = await stepsOf(() => look(transport, 1))
  await sendAll(transport, 'free')
  cost['a plain receive of a message without a session'] = await stepsOf(() => look(transport, 1))
  cost['a send to a session that is held'] = await stepsOf(() => sendTo(transport, [held.sessionId, 'b']))
  cost['a refused accept'] = await stepsOf(() => accept(transport, held.sessionId).catch(() => {}))
  const completed = await take(held)
  cost['a complete'] = await stepsOf(() => completed.complete())
  const received: Delivery[] = []
  cost['a receive in the session'] = await stepsOf(async () => received.push(...(await look(held, 1))))
  const [delivery] = received
  if (delivery === undefined) throw new Error('There is no message.')
  cost['a renewal'] = await stepsOf(() => delivery.renewLock())
  cost['an abandon'] = await stepsOf(() => delivery.abandon({ delayMs: 1 }))
  cost['a receive of a session that is delayed'] = await stepsOf(() => look(held, 1))
  cost['a close'] = await stepsOf(() => held.close())
  cost['a plain receive past a session that is delayed'] = await stepsOf(() => look(transport, 1))
  cost['an accept of the next session'] = await stepsOf(() => accept(transport).catch(() => {}))
  return cost
}

const cheap = (cost: number): boolean => cost < 200

test('PM4: one session with 100 000 messages, held or delayed, is not searched by anybody', async () => {
  const cost = await costs(setUpSessions(100_000, () => 'A'))
  expect(Object.entries(cost).filter(([, steps]) => !cheap(steps))).toEqual([])
})

test('PM4: 100 000 sessions make no operation dear', async () => {
  const cost = await costs(setUpSessions(100_000, (index) => `session ${index}`))
  expect(Object.entries(cost).filter(([, steps]) => !cheap(steps))).toEqual([])
})

test('PM8: a send wakes the one whose session it goes to, and looks at no other of 5 000 that wait in theirs', async () => {
  const { transport } = setUp()
  const ids = Array.from({ length: 5_000 }, (_, index) => `session ${index}`)
  const sessions = await Promise.all(ids.map((id) => accept(transport, id)))
  const waiting = sessions.map((session) => session.receive({ maxMessages: 1, waitMs: 1_000, signal: never }))
  expect(await stepsOf(() => sendTo(transport, ['session 4321', 'a']))).toSatisfy(cheap)
  const woken = waiting[4321]
  expect(woken && (await outcomeOf(woken))).toMatchObject({ value: [{}] })
  await transport.close()
})

test('PM3: the messages of a session that lapses cost what as many abandons would', async () => {
  const { clock, transport } = setUpSessions(20_000, () => 'A')
  const session = await accept(transport)
  await look(session, 10_000)
  const steps = await stepsOf(() => clock.advance(300_000).then(() => bodies(transport)))
  expect(steps / 10_000).toBeLessThan(100)
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

test('what sessions leave behind is nothing, however they end', async () => {
  const { broker, clock, transport } = setUp({ sessionLockMs: 1_000, maxDeliveryCount: 5 })
  for (let cycle = 0; cycle < 2_000; cycle += 1) {
    await sendTo(transport, [`session ${cycle}`, 'a'], [`session ${cycle}`, 'b'], ['other', 'c'])
    const session = await accept(transport, `session ${cycle}`)
    const [delivery] = await look(session)
    await delivery?.abandon({ delayMs: cycle % 2 })
    await look(transport)
    if (cycle % 3 === 0) await session.close()
    else if (cycle % 100 === 1) await clock.advance(1_000)
    for (const { brokerMessageId } of broker.queue('orders').messages()) broker.queue('orders').remove(brokerMessageId)
  }
  await transport.close()
  expect(count.items).toBe(0)
  expect(clock.sleepers).toBe(0)
})

test('a session that is free and has no messages is forgotten', () => {
  const sessions = createSessions()
  const first = sessions.open('A')
  const lock = sessions.lock(first, 1_000)
  expect(sessions.open('A')).toBe(first)
  sessions.unlock(lock)
  expect(sessions.open('A')).not.toBe(first)
})
