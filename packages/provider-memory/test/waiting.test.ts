import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { memoryProvider } from '../src/index.ts'
import { bodiesOf, deadLettersOf, look, never, outcomeOf, START, sendAll, setUp, take, wire } from './support.ts'

const closed = { code: 'ClientClosed', queue: 'orders' }

describe('waiting for messages', () => {
  test('PM8: a receiver that waits is woken by a send, without the clock moving', async () => {
    const { clock, transport } = setUp()
    const waiting = transport.receive({ maxMessages: 10, waitMs: 5_000, signal: never })
    expect(await outcomeOf(waiting)).toBe('pending')
    await sendAll(transport, 'a', 'b')
    expect(bodiesOf(await waiting)).toEqual(['a', 'b'])
    expect(clock.sleepers).toBe(0)
  })

  test('receive gives at most maxMessages, and does not wait for more than one', async () => {
    const { transport } = setUp()
    await sendAll(transport, 'a', 'b', 'c')
    const receive = (): Promise<string[]> =>
      transport.receive({ maxMessages: 2, waitMs: 5_000, signal: never }).then(bodiesOf)
    expect(await receive()).toEqual(['a', 'b'])
    expect(await receive()).toEqual(['c'])
  })

  test('waitMs 0 looks once, without a sleep', async () => {
    const { clock, transport } = setUp()
    expect(await transport.receive({ maxMessages: 1, waitMs: 0, signal: never })).toEqual([])
    expect(clock.sleeps).toBe(0)
  })

  test('A4: nothing comes: the wait ends at its deadline, not before', async () => {
    const { clock, transport } = setUp()
    const waiting = transport.receive({ maxMessages: 1, waitMs: 5_000, signal: never })
    await clock.advance(4_999)
    expect(await outcomeOf(waiting)).toBe('pending')
    await clock.advance(1)
    expect(await outcomeOf(waiting)).toEqual({ value: [] })
    expect(clock.sleepers).toBe(0)
  })

  test('what becomes available at the very deadline is still given', async () => {
    const { clock, transport } = setUp()
    await transport.send([wire('a', { deliverAt: new Date(START + 5_000) })], { signal: never })
    const waiting = transport.receive({ maxMessages: 1, waitMs: 5_000, signal: never })
    await clock.advance(5_000)
    expect(bodiesOf(await waiting)).toEqual(['a'])
  })

  test('PM8: an abandon, a due time, a delay that is over and a lock that ends wake it, each at its moment', async () => {
    const { clock, transport } = setUp()
    const wait = (): Promise<string[]> =>
      transport.receive({ maxMessages: 10, waitMs: 60_000, signal: never }).then(bodiesOf)
    await transport.send([wire('scheduled', { deliverAt: new Date(START + 1_000) }), wire('a')], { signal: never })
    const delivery = await take(transport)

    const abandoned = wait()
    await delivery.abandon({ delayMs: 0 })
    expect(await abandoned).toEqual(['a'])

    const scheduled = wait()
    await clock.advance(999)
    expect(await outcomeOf(scheduled)).toBe('pending')
    await clock.advance(1)
    expect(await outcomeOf(scheduled)).toEqual({ value: ['scheduled'] })

    const unlocked = wait()
    await clock.advance(28_999)
    expect(await outcomeOf(unlocked)).toBe('pending')
    await clock.advance(1)
    expect(await outcomeOf(unlocked)).toEqual({ value: ['a'] })
  })

  test('PM8: a delayed abandon while somebody waits comes at its moment, sooner than what was waited for', async () => {
    const { clock, transport } = setUp()
    await sendAll(transport, 'a')
    const delivery = await take(transport)
    const waiting = transport.receive({ maxMessages: 1, waitMs: 60_000, signal: never })
    await delivery.abandon({ delayMs: 500 })
    await clock.advance(500)
    expect(await outcomeOf(waiting)).toMatchObject({ value: [{ message: { deliveryCount: 2 } }] })
  })

  test('PM8: a renewed lock is waited for to its new end', async () => {
    const { clock, transport } = setUp()
    await sendAll(transport, 'a')
    const delivery = await take(transport)
    const waiting = transport.receive({ maxMessages: 1, waitMs: 60_000, signal: never })
    await clock.advance(20_000)
    await delivery.renewLock()
    await clock.advance(29_999)
    expect(await outcomeOf(waiting)).toBe('pending')
    await clock.advance(1)
    expect(await outcomeOf(waiting)).toMatchObject({ value: [{}] })
  })

  test('those who wait are served in the order they came, those who come later afterwards', async () => {
    const { broker, transport } = setUp()
    const provider = memoryProvider({ broker })
    const waits = [1, 2, 3].map(() => provider.open('orders').receive({ maxMessages: 1, waitMs: 5_000, signal: never }))
    await sendAll(transport, 'a', 'b')
    expect((await Promise.all(waits.slice(0, 2))).flatMap(bodiesOf)).toEqual(['a', 'b'])
    await sendAll(transport, 'c')
    expect(await look(transport)).toEqual([])
    expect(bodiesOf((await waits[2]) ?? [])).toEqual(['c'])
  })

  test('a lock that ended just now goes to who waits, not to who happens to look', async () => {
    const { broker, clock, transport } = setUp()
    await sendAll(transport, 'a')
    await take(transport)
    const looking = clock.sleep(30_000).then(() => look(transport))
    const waiting = memoryProvider({ broker }).open('orders').receive({ maxMessages: 1, waitMs: 60_000, signal: never })
    await clock.advance(30_000)
    expect(await looking).toEqual([])
    expect(bodiesOf(await waiting)).toEqual(['a'])
  })

  test('PM8: there is one sleep, only while somebody waits, however many wait', async () => {
    const { broker, clock, transport } = setUp()
    const provider = memoryProvider({ broker })
    await transport.send([wire('a', { deliverAt: new Date(START + 10_000), timeToLiveMs: 5_000 })], { signal: never })
    expect(clock.sleeps).toBe(0)
    const waits = Array.from({ length: 100 }, () =>
      provider.open('orders').receive({ maxMessages: 1, waitMs: 5_000, signal: never }),
    )
    expect([clock.sleepers, clock.sleeps]).toEqual([1, 1])
    await clock.advance(5_000)
    expect((await Promise.all(waits)).flat()).toEqual([])
    expect([clock.sleepers, clock.sleeps]).toEqual([0, 1])
  })
})

describe('abort', () => {
  test('C6: a receive leaves no listener on its signal, however it ends', async () => {
    const { transport } = setUp()
    const { signal } = new AbortController()
    const receive = (): Promise<unknown> => transport.receive({ maxMessages: 1, waitMs: 5_000, signal })
    const waiting = receive()
    expect(getEventListeners(signal, 'abort').length).toBe(1)
    await sendAll(transport, 'a', 'b')
    await waiting
    await receive()
    expect(getEventListeners(signal, 'abort').length).toBe(0)
  })

  test('C6: rejects with the reason at once and leaks neither timer nor message', async () => {
    const { broker, clock, transport } = setUp()
    const reason = new Error('enough')
    const controller = new AbortController()
    const waiting = transport.receive({ maxMessages: 1, waitMs: 5_000, signal: controller.signal })
    controller.abort(reason)
    await sendAll(transport, 'a')
    await expect(waiting).rejects.toBe(reason)
    expect(clock.sleepers).toBe(0)
    expect(broker.queue('orders').messages()).toMatchObject([{ state: 'active', deliveryCount: 0 }])
  })

  test('C6: an aborted signal takes nothing', async () => {
    const { broker, transport } = setUp()
    await sendAll(transport, 'a')
    const signal = AbortSignal.abort(new Error('before'))
    await expect(transport.receive({ maxMessages: 1, waitMs: 0, signal })).rejects.toBe(signal.reason)
    expect(broker.queue('orders').messages()).toMatchObject([{ state: 'active' }])
  })

  test('C6: what was locked in the tick of the abort is handed over, so that it can be given back', async () => {
    const { transport } = setUp()
    const controller = new AbortController()
    const waiting = transport.receive({ maxMessages: 1, waitMs: 5_000, signal: controller.signal })
    const sending = sendAll(transport, 'a')
    controller.abort(new Error('too late'))
    await sending
    expect(bodiesOf(await waiting)).toEqual(['a'])
  })

  test('one who leaves does not keep those behind from being served', async () => {
    const { broker, transport } = setUp()
    const controller = new AbortController()
    const leaving = transport.receive({ maxMessages: 1, waitMs: 5_000, signal: controller.signal })
    const staying = memoryProvider({ broker }).open('orders').receive({ maxMessages: 1, waitMs: 5_000, signal: never })
    controller.abort(new Error('gone'))
    await sendAll(transport, 'a')
    expect(bodiesOf(await staying)).toEqual(['a'])
    await expect(leaving).rejects.toThrow('gone')
  })
})

describe('close', () => {
  test('C21: ends what waits with nothing, leaves no timer, and is idempotent', async () => {
    const { clock, transport } = setUp()
    const letters = deadLettersOf(transport).receive({ maxMessages: 1, waitMs: 5_000, signal: never })
    const waiting = transport.receive({ maxMessages: 1, waitMs: 5_000, signal: never })
    await transport.close()
    await transport.close()
    expect(await Promise.all([waiting, letters])).toEqual([[], []])
    expect(clock.sleepers).toBe(0)
  })

  test('C21: a closed transport refuses every call, its dead-letter receivers too', async () => {
    const { transport } = setUp()
    const letters = deadLettersOf(transport)
    await transport.close()
    await expect(sendAll(transport, 'a')).rejects.toMatchObject(closed)
    await expect(look(transport)).rejects.toMatchObject(closed)
    await expect(look(letters)).rejects.toMatchObject(closed)
    expect(() => transport.deadLetters?.()).toThrow(expect.objectContaining(closed))
  })

  test('closing a dead-letter receiver closes nothing else', async () => {
    const { transport } = setUp()
    const [one, other] = [deadLettersOf(transport), deadLettersOf(transport)]
    await one.close()
    await expect(look(one)).rejects.toMatchObject(closed)
    expect(await look(other)).toEqual([])
    expect(await look(transport)).toEqual([])
  })

  test('closing one transport does not end the waits of another', async () => {
    const { broker, transport } = setUp()
    const other = memoryProvider({ broker }).open('orders')
    const waiting = other.receive({ maxMessages: 1, waitMs: 5_000, signal: never })
    await transport.close()
    expect(await outcomeOf(waiting)).toBe('pending')
    await sendAll(other, 'a')
    expect(bodiesOf(await waiting)).toEqual(['a'])
  })

  test('what a closed transport handed out stays under its lock and can be settled', async () => {
    const { broker, transport } = setUp()
    await sendAll(transport, 'a')
    const delivery = await take(transport)
    await transport.close()
    expect(broker.queue('orders').messages()).toMatchObject([{ state: 'locked' }])
    await delivery.complete()
    expect(broker.queue('orders').messages()).toEqual([])
  })
})
