import { describe, expect, test } from 'vitest'
import { bodies, bodiesOf, bytes, look, START, sendAll, setUp, take, textOf } from './support.ts'

const lockLost = { code: 'MessageLockLost', queue: 'orders' }

describe('peek-lock', () => {
  test('A3: a delivery holds its message for lockMs, and nobody else gets it meanwhile', async () => {
    const { clock, transport } = setUp({ lockMs: 5_000 })
    expect(transport.lockMs).toBe(5_000)
    await sendAll(transport, 'a')
    const { message } = await take(transport)
    expect(message.lockedUntil).toEqual(new Date(START + 5_000))
    await clock.advance(4_999)
    expect(await look(transport)).toEqual([])
    await clock.advance(1)
    expect(await bodies(transport)).toEqual(['a'])
  })

  test('A5: complete removes a message for good', async () => {
    const { broker, clock, transport } = setUp()
    await sendAll(transport, 'a')
    const delivery = await take(transport)
    await delivery.complete()
    await clock.advance(60_000)
    expect(await look(transport)).toEqual([])
    expect(broker.queue('orders').messages()).toEqual([])
  })

  test('PM3, A13: an expired lock returns the message to its original place, and the next delivery counts one more', async () => {
    const { clock, transport } = setUp()
    await sendAll(transport, 'a', 'b', 'c')
    expect(bodiesOf(await look(transport, 2))).toEqual(['a', 'b'])
    await clock.advance(30_000)
    const again = await look(transport)
    expect(bodiesOf(again)).toEqual(['a', 'b', 'c'])
    expect(again.map(({ message }) => message.deliveryCount)).toEqual([2, 2, 1])
  })

  test('C8: an abandoned message is back in its original place at once, and the next delivery counts one more', async () => {
    const { transport } = setUp()
    await sendAll(transport, 'a', 'b', 'c')
    const [, b] = await look(transport, 2)
    await b?.abandon({ delayMs: 0 })
    const again = await look(transport)
    expect(bodiesOf(again)).toEqual(['b', 'c'])
    expect(again.map(({ message }) => message.deliveryCount)).toEqual([2, 1])
  })

  test('C8: abandon with delayMs brings the message back then, in its original place', async () => {
    const { clock, broker, transport } = setUp()
    await sendAll(transport, 'a', 'b')
    await (await take(transport)).abandon({ delayMs: 2_000 })
    expect(broker.queue('orders').messages()[0]).toMatchObject({ state: 'scheduled', lockedUntil: undefined })
    const b = await take(transport)
    expect(textOf(b.message.body)).toBe('b')
    await b.abandon({ delayMs: 0 })
    await clock.advance(1_999)
    expect(bodiesOf(await look(transport))).toEqual(['b'])
    await clock.advance(1)
    expect(await bodies(transport)).toEqual(['a'])
  })

  test('renewLock moves lockedUntil of the delivered message, counted from now', async () => {
    const { clock, transport } = setUp()
    await sendAll(transport, 'a')
    const delivery = await take(transport)
    await clock.advance(20_000)
    const end = new Date(START + 50_000)
    expect(await delivery.renewLock()).toEqual(end)
    expect(delivery.message.lockedUntil).toEqual(end)
    await clock.advance(29_999)
    expect(await look(transport)).toEqual([])
    await delivery.complete()
  })
})

describe('a lock that is gone', () => {
  const attempts = [
    ['complete', (delivery) => delivery.complete()],
    ['abandon', (delivery) => delivery.abandon({ delayMs: 0 })],
    ['abandon with a delay', (delivery) => delivery.abandon({ delayMs: 1_000 })],
    ['deadLetter', (delivery) => delivery.deadLetter({ reason: 'poison' })],
    ['renewLock', (delivery) => delivery.renewLock()],
  ] satisfies [string, (delivery: Awaited<ReturnType<typeof take>>) => Promise<unknown>][]

  test.each(attempts)(
    'C7, edge 3: %s at the very moment it ended gives MessageLockLost and changes nothing',
    async (_, act) => {
      const { broker, clock, transport } = setUp()
      await sendAll(transport, 'a')
      const delivery = await take(transport)
      await clock.advance(30_000)
      await expect(act(delivery)).rejects.toMatchObject({ ...lockLost, messageId: delivery.message.messageId })
      expect(broker.queue('orders').messages()).toMatchObject([{ state: 'active', deliveryCount: 1 }])
      expect(broker.queue('orders').deadLetters()).toEqual([])
    },
  )

  test.each(attempts)('C7: %s one millisecond before is in time', async (_, act) => {
    const { clock, transport } = setUp()
    await sendAll(transport, 'a')
    const delivery = await take(transport)
    await clock.advance(29_999)
    await act(delivery)
  })

  test.each(attempts)('A13, edge 2: %s of an old delivery does not touch the one that took over', async (_, act) => {
    const { broker, clock, transport } = setUp()
    await sendAll(transport, 'a')
    const old = await take(transport)
    await clock.advance(30_000)
    const current = await take(transport)
    await expect(act(old)).rejects.toMatchObject(lockLost)
    expect(broker.queue('orders').messages()).toMatchObject([{ state: 'locked', deliveryCount: 2 }])
    expect(current.message.lockedUntil).toEqual(new Date(START + 60_000))
    await current.complete()
  })

  test.each(attempts)(
    'C7: %s after the delivery was settled gives MessageLockLost and changes nothing',
    async (_, act) => {
      const { broker, transport } = setUp()
      await sendAll(transport, 'a', 'b', 'c')
      const [completed, abandoned, dead] = await look(transport)
      await completed?.complete()
      await abandoned?.abandon({ delayMs: 0 })
      await dead?.deadLetter({ reason: 'first' })
      for (const delivery of [completed, abandoned, dead]) {
        await expect(delivery && act(delivery)).rejects.toMatchObject(lockLost)
      }
      expect(broker.queue('orders').messages()).toMatchObject([{ body: bytes('b'), state: 'active' }])
      expect(broker.queue('orders').deadLetters()).toMatchObject([
        { body: bytes('c'), deadLettered: { reason: 'first' } },
      ])
    },
  )
})
