import { getEventListeners } from 'node:events'
import { fakeClock } from '@queue-runtime/core/testing'
import { describe, expect, test } from 'vitest'
import { memoryProvider } from '../src/index.ts'
import {
  accept,
  acceptOf,
  bodies,
  bodiesOf,
  bytes,
  deadLettersOf,
  look,
  never,
  outcomeOf,
  START,
  sendTo,
  setUp,
  take,
  textOf,
} from './support.ts'

const locked = { code: 'SessionLocked', queue: 'orders', retryAfterMs: 5_000 }
const closed = { code: 'ClientClosed', queue: 'orders' }

describe('accepting a session by name', () => {
  test('C12, A9: gives the session with a lock of 5 minutes, and its messages in order, of no other session', async () => {
    const { transport } = setUp()
    await sendTo(transport, ['A', 'a1'], ['B', 'b1'], ['A', 'a2'], [undefined, 'loose'], ['A', 'a3'])
    const session = await accept(transport, 'A')
    expect([session.sessionId, session.lockedUntil]).toEqual(['A', new Date(START + 300_000)])
    const received = await look(session)
    expect(bodiesOf(received)).toEqual(['a1', 'a2', 'a3'])
    expect(received.map(({ message: { sessionId, deliveryCount } }) => [sessionId, deliveryCount])).toEqual([
      ['A', 1],
      ['A', 1],
      ['A', 1],
    ])
    expect(await look(session)).toEqual([])
  })

  test('C12: succeeds at once where the session has no messages, and gets those that come', async () => {
    const { clock, transport } = setUp()
    const session = await accept(transport, 'A')
    const receiving = session.receive({ maxMessages: 10, waitMs: 5_000, signal: never })
    await sendTo(transport, ['B', 'b1'], [undefined, 'loose'])
    expect(await outcomeOf(receiving)).toBe('pending')
    await sendTo(transport, ['A', 'a1'], ['A', 'a2'])
    expect(bodiesOf(await receiving)).toEqual(['a1', 'a2'])
    expect(clock.sleepers).toBe(0)
  })

  test('C12, edge 9: only one of those who race for a session gets it; the others learn until when it is held', async () => {
    const { broker, clock, transport } = setUp()
    const session = await accept(transport, 'A')
    await clock.advance(60_000)
    await session.renewLock()
    for (const rival of [transport, memoryProvider({ broker }).open('orders')]) {
      const racing = acceptOf(rival)({ sessionId: 'A', waitMs: 60_000, signal: never })
      await expect(racing).rejects.toMatchObject({ ...locked, facts: { lockedUntil: new Date(START + 360_000) } })
    }
    expect((await accept(transport, 'B')).sessionId).toBe('B')
  })

  test('C12, PM4: a session whose message is in flight on a plain receive is held by that delivery', async () => {
    const { clock, transport } = setUp()
    await sendTo(transport, ['A', 'a1'], ['A', 'a2'])
    const delivery = await take(transport)
    await clock.advance(10_000)
    await delivery.renewLock()
    const facts = { lockedUntil: new Date(START + 40_000) }
    await expect(accept(transport, 'A')).rejects.toMatchObject({ ...locked, facts })
    await delivery.complete()
    expect(await bodies(await accept(transport, 'A'))).toEqual(['a2'])
  })

  test('sessionLockMs is how long the lock lasts, and lockMs how long that of a plain delivery', async () => {
    const { transport } = setUp({ lockMs: 1_000, sessionLockMs: 2_000 })
    await sendTo(transport, ['A', 'a1'], ['B', 'b1'])
    expect((await accept(transport, 'A')).lockedUntil).toEqual(new Date(START + 2_000))
    expect((await take(transport)).message.lockedUntil).toEqual(new Date(START + 1_000))
  })

  test('a session id without characters is none: such messages share no session', async () => {
    const { transport } = setUp()
    await sendTo(transport, ['', 'one'], ['', 'two'])
    expect(await acceptOf(transport)({ sessionId: undefined, waitMs: 0, signal: never })).toBeNull()
    expect(await bodies(transport)).toEqual(['one', 'two'])
  })
})

describe('accepting the next session', () => {
  const acceptNext = (transport: Parameters<typeof accept>[0], waitMs: number, signal = never) =>
    acceptOf(transport)({ sessionId: undefined, waitMs, signal })

  test('C12: gives the session of the first message that may be received and whose session is free', async () => {
    const { transport } = setUp()
    await sendTo(transport, [undefined, 'loose'], ['plain', 'p1'], ['held', 'h1'], ['plain', 'p2'], ['B', 'b1'])
    await sendTo(transport, ['A', 'a1'], ['C', 'c1'])
    await accept(transport, 'held')
    expect(bodiesOf(await look(transport, 2))).toEqual(['loose', 'p1'])
    expect([(await accept(transport)).sessionId, (await accept(transport)).sessionId]).toEqual(['B', 'A'])
    expect((await accept(transport)).sessionId).toBe('C')
    expect(await acceptNext(transport, 0)).toBeNull()
  })

  test('C12: a session whose only message is scheduled, or whose head is delayed, comes when that may be received', async () => {
    const { clock, transport } = setUp()
    const deliverAt = new Date(START + 2_000)
    await sendTo(transport, ['later', 'l1', { deliverAt }], ['delayed', 'd1'], ['delayed', 'd2'])
    await (await take(transport)).abandon({ delayMs: 1_000 })
    const accepting = acceptNext(transport, 60_000)
    await clock.advance(999)
    expect(await outcomeOf(accepting)).toBe('pending')
    await clock.advance(1)
    expect((await accepting)?.sessionId).toBe('delayed')
    const next = acceptNext(transport, 60_000)
    await clock.advance(1_000)
    expect((await next)?.sessionId).toBe('later')
  })

  test('C12, edge 7: an empty queue gives null at the deadline, not before, and waitMs 0 looks once', async () => {
    const { clock, transport } = setUp()
    expect(await acceptNext(transport, 0)).toBeNull()
    expect(clock.sleeps).toBe(0)
    const accepting = acceptNext(transport, 5_000)
    await clock.advance(4_999)
    expect(await outcomeOf(accepting)).toBe('pending')
    await clock.advance(1)
    expect(await outcomeOf(accepting)).toEqual({ value: null })
    expect(clock.sleepers).toBe(0)
  })

  test('PM8: a send, a release, a close and a lock that ends wake it, each at its moment; nothing polls', async () => {
    const { clock, transport } = setUp({ sessionLockMs: 60_000, maxDeliveryCount: 10 })
    const sent = acceptNext(transport, 5_000)
    await sendTo(transport, [undefined, 'loose'])
    expect(await outcomeOf(sent)).toBe('pending')
    await sendTo(transport, ['A', 'a1'])
    const session = await sent
    expect([session?.sessionId, clock.sleepers]).toEqual(['A', 0])

    const afterClose = acceptNext(transport, 5_000)
    await session?.close()
    expect((await afterClose)?.sessionId).toBe('A')

    const afterLapse = acceptNext(transport, 90_000)
    expect(clock.sleepers).toBe(1)
    await clock.advance(59_999)
    expect(await outcomeOf(afterLapse)).toBe('pending')
    await clock.advance(1)
    const last = await afterLapse
    await last?.close()

    const [, inFlight] = await look(transport)
    const afterAbandon = acceptNext(transport, 5_000)
    await inFlight?.abandon({ delayMs: 0 })
    await (await afterAbandon)?.close()

    await look(transport)
    const afterPlainLock = acceptNext(transport, 60_000)
    await clock.advance(29_999)
    expect(await outcomeOf(afterPlainLock)).toBe('pending')
    await clock.advance(1)
    expect((await afterPlainLock)?.lockedUntil).toEqual(new Date(clock.now() + 60_000))
    expect(clock.sleepers).toBe(0)
  })

  test('who waits for a session and who waits for messages are served in the order they came', async () => {
    const { broker, transport } = setUp()
    const other = memoryProvider({ broker }).open('orders')
    const receiving = transport.receive({ maxMessages: 1, waitMs: 5_000, signal: never })
    const accepting = acceptNext(transport, 5_000)
    const late = other.receive({ maxMessages: 1, waitMs: 5_000, signal: never })
    await sendTo(transport, ['A', 'a1'], ['B', 'b1'], [undefined, 'loose'])
    expect(bodiesOf(await receiving)).toEqual(['a1'])
    expect((await accepting)?.sessionId).toBe('B')
    expect(bodiesOf(await late)).toEqual(['loose'])
  })

  test('one who waits for a session does not keep those behind from messages that have none', async () => {
    const { transport } = setUp()
    const accepting = acceptNext(transport, 5_000)
    const receiving = transport.receive({ maxMessages: 1, waitMs: 5_000, signal: never })
    await sendTo(transport, [undefined, 'loose'])
    expect(bodiesOf(await receiving)).toEqual(['loose'])
    expect(await outcomeOf(accepting)).toBe('pending')
    await transport.close()
  })

  test('C6: an abort rejects with its reason at once, takes no lock, and leaves neither timer nor listener', async () => {
    const { clock, transport } = setUp()
    const controller = new AbortController()
    const reason = new Error('enough')
    const accepting = acceptNext(transport, 5_000, controller.signal)
    controller.abort(reason)
    await sendTo(transport, ['A', 'a1'])
    await expect(accepting).rejects.toBe(reason)
    expect(clock.sleepers).toBe(0)
    expect(getEventListeners(controller.signal, 'abort').length).toBe(0)
    await expect(acceptNext(transport, 0, controller.signal)).rejects.toBe(reason)
    expect(await bodies(transport)).toEqual(['a1'])
  })

  test('C6: an abort in the tick of the accept takes no lock either', async () => {
    const { transport } = setUp()
    const controller = new AbortController()
    const reason = new Error('enough')
    const accepting = acceptNext(transport, 5_000, controller.signal)
    const sending = sendTo(transport, ['A', 'a1'])
    controller.abort(reason)
    await sending
    await expect(accepting).rejects.toBe(reason)
    expect(await bodies(transport)).toEqual(['a1'])
  })
})

describe('the lock of a session', () => {
  test('C12: renewLock moves lockedUntil of the session and of its deliveries, counted from now', async () => {
    const { clock, transport } = setUp()
    await sendTo(transport, ['A', 'a1'], ['A', 'a2'])
    const session = await accept(transport, 'A')
    const [a1, a2] = await look(session)
    await clock.advance(200_000)
    const end = new Date(START + 500_000)
    expect(await session.renewLock()).toEqual(end)
    expect([session.lockedUntil, a1?.message.lockedUntil, a2?.message.lockedUntil]).toEqual([end, end, end])
    await clock.advance(200_000)
    const later = new Date(START + 700_000)
    expect(await a2?.renewLock()).toEqual(later)
    expect([session.lockedUntil, a1?.message.lockedUntil]).toEqual([later, later])
    await clock.advance(299_999)
    await a1?.complete()
    await a2?.complete()
  })

  test('the broker shows messages of a session as locked until its lock ends', async () => {
    const { broker, clock, transport } = setUp()
    await sendTo(transport, ['A', 'a1'], ['A', 'a2'])
    const session = await accept(transport, 'A')
    await look(session, 1)
    await clock.advance(1_000)
    await session.renewLock()
    expect(broker.queue('orders').messages()).toMatchObject([
      { state: 'locked', lockedUntil: new Date(START + 301_000) },
      { state: 'active', lockedUntil: undefined },
    ])
  })

  test('a delivery of a session outlives lockMs: its lock is that of the session', async () => {
    const { clock, transport } = setUp({ lockMs: 1_000 })
    await sendTo(transport, ['A', 'a1'])
    const delivery = await take(await accept(transport, 'A'))
    await clock.advance(299_999)
    await delivery.complete()
  })

  test('edge 8: 2 000 messages are handled in order under one lock that is kept', async () => {
    const { clock, transport } = setUp({ sessionLockMs: 1_000 })
    const numbers = Array.from({ length: 2_000 }, (_, index) => `${index}`)
    await sendTo(transport, ...numbers.map((number): [string, string] => ['A', number]))
    const session = await accept(transport, 'A')
    const handled: string[] = []
    for (let batch = await look(session, 7); batch.length > 0; batch = await look(session, 7)) {
      await clock.advance(900)
      await session.renewLock()
      handled.push(...bodiesOf(batch))
      for (const delivery of batch) await delivery.complete()
    }
    expect(handled).toEqual(numbers)
  })
})

describe('a session whose lock is gone', () => {
  const lost = { code: 'SessionLockLost', queue: 'orders' }
  type Held = { session: Awaited<ReturnType<typeof accept>>; delivery: Awaited<ReturnType<typeof take>> }

  const attempts: readonly [string, (held: Held) => Promise<unknown>][] = [
    ['receive of the session', ({ session }) => session.receive({ maxMessages: 1, waitMs: 5_000, signal: never })],
    ['renewLock of the session', ({ session }) => session.renewLock()],
    ['complete', ({ delivery }) => delivery.complete()],
    ['abandon', ({ delivery }) => delivery.abandon({ delayMs: 0 })],
    ['abandon with a delay', ({ delivery }) => delivery.abandon({ delayMs: 1_000 })],
    ['deadLetter', ({ delivery }) => delivery.deadLetter({ reason: 'poison' })],
    ['renewLock of a delivery', ({ delivery }) => delivery.renewLock()],
  ]

  const hold = async (transport: Parameters<typeof accept>[0]): Promise<Held> => {
    const session = await accept(transport, 'A')
    return { session, delivery: await take(session) }
  }

  test.each(attempts)(
    'A10, edge 6: %s at the very moment it lapsed gives SessionLockLost and changes nothing',
    async (_, act) => {
      const { broker, clock, transport } = setUp()
      await sendTo(transport, ['A', 'a1'], ['A', 'a2'])
      const held = await hold(transport)
      await clock.advance(300_000)
      await expect(act(held)).rejects.toMatchObject(lost)
      expect(broker.queue('orders').messages()).toMatchObject([
        { body: bytes('a1'), state: 'active', deliveryCount: 1 },
        { body: bytes('a2'), state: 'active', deliveryCount: 0 },
      ])
      expect(broker.queue('orders').deadLetters()).toEqual([])
      expect(held.session.lockedUntil).toEqual(new Date(START + 300_000))
    },
  )

  test.each(attempts)('C12: %s one millisecond before is in time', async (_, act) => {
    const { clock, transport } = setUp()
    await sendTo(transport, ['A', 'a1'], ['A', 'a2'])
    const held = await hold(transport)
    await clock.advance(299_999)
    await act(held)
  })

  test.each(attempts)('C12: %s after close gives SessionLockLost and changes nothing', async (_, act) => {
    const { broker, transport } = setUp()
    await sendTo(transport, ['A', 'a1'])
    const held = await hold(transport)
    await held.session.close()
    await expect(act(held)).rejects.toMatchObject(lost)
    expect(broker.queue('orders').messages()).toMatchObject([{ state: 'active', deliveryCount: 1 }])
  })

  test.each(attempts)('PM6, A10: %s of a stale session does not touch the new owner', async (_, act) => {
    const { broker, clock, transport } = setUp({ maxDeliveryCount: 5 })
    await sendTo(transport, ['A', 'a1'], ['A', 'a2'])
    const stale = await hold(transport)
    await clock.advance(300_000)
    const current = await hold(transport)
    await expect(act(stale)).rejects.toMatchObject(lost)
    expect(broker.queue('orders').messages()).toMatchObject([
      { state: 'locked', deliveryCount: 2, lockedUntil: new Date(START + 600_000) },
      { state: 'active', deliveryCount: 0 },
    ])
    await current.delivery.complete()
    expect(await bodies(current.session)).toEqual(['a2'])
  })

  test('PM6: close of a stale session releases nothing of the new owner', async () => {
    const { broker, clock, transport } = setUp()
    await sendTo(transport, ['A', 'a1'])
    const stale = await hold(transport)
    await clock.advance(300_000)
    const current = await hold(memoryProvider({ broker }).open('orders'))
    await stale.session.close()
    await transport.close()
    await expect(accept(memoryProvider({ broker }).open('orders'), 'A')).rejects.toMatchObject(locked)
    await current.delivery.complete()
    await current.session.close()
  })

  test('edge 6: a receive that waits in it fails as it lapses', async () => {
    const { clock, transport } = setUp()
    const session = await accept(transport, 'A')
    const receiving = session.receive({ maxMessages: 1, waitMs: 600_000, signal: never })
    await clock.advance(299_999)
    expect(await outcomeOf(receiving)).toBe('pending')
    await clock.advance(1)
    expect(await outcomeOf(receiving)).toMatchObject({ error: lost })
    expect(clock.sleepers).toBe(0)
  })

  test('a second settle of one delivery gives MessageLockLost while the session is held, SessionLockLost afterwards', async () => {
    const { clock, transport } = setUp()
    await sendTo(transport, ['A', 'a1'], ['A', 'a2'])
    const session = await accept(transport, 'A')
    const [completed, abandoned] = await look(session)
    await completed?.complete()
    await abandoned?.abandon({ delayMs: 0 })
    const again = await take(session)
    for (const [, act] of attempts.slice(2)) {
      for (const delivery of [completed, abandoned]) {
        await expect(delivery && act({ session, delivery })).rejects.toMatchObject({ code: 'MessageLockLost' })
      }
    }
    await again.renewLock()
    await clock.advance(300_000)
    await expect(completed?.complete()).rejects.toMatchObject(lost)
  })
})

describe('what becomes of the messages of a session', () => {
  test('PM3: as the lock lapses they return to their original places, and the next delivery counts one more', async () => {
    const { clock, transport } = setUp()
    await sendTo(transport, ['A', 'a1'], ['B', 'b1'], ['A', 'a2'], ['A', 'a3'])
    const session = await accept(transport, 'A')
    const [a1] = await look(session, 2)
    await a1?.abandon({ delayMs: 0 })
    await take(session)
    await clock.advance(300_000)
    const again = await look(await accept(transport, 'A'))
    expect(again.map(({ message }) => [message.body, message.deliveryCount])).toEqual([
      [bytes('a1'), 3],
      [bytes('a2'), 2],
      [bytes('a3'), 1],
    ])
  })

  test('PM3: plain receives get the session back in its order, at its place among the others', async () => {
    const { clock, transport } = setUp()
    await sendTo(transport, ['A', 'a1'], [undefined, 'loose'], ['A', 'a2'])
    await look(await accept(transport, 'A'))
    await clock.advance(300_000)
    const [first, second] = await look(transport)
    expect(bodiesOf([first, second].filter((delivery) => delivery !== undefined))).toEqual(['a1', 'loose'])
    await first?.complete()
    expect(await bodies(transport)).toEqual(['a2'])
  })

  test('close gives back what is unsettled at once and frees the session; it is idempotent', async () => {
    const { broker, transport } = setUp()
    await sendTo(transport, ['A', 'a1'], ['A', 'a2'], ['A', 'a3'])
    const session = await accept(transport, 'A')
    const [a1] = await look(session, 2)
    await a1?.complete()
    await session.close()
    await session.close()
    expect(broker.queue('orders').messages()).toMatchObject([
      { body: bytes('a2'), state: 'active', deliveryCount: 1 },
      { body: bytes('a3'), state: 'active', deliveryCount: 0 },
    ])
    const next = await accept(transport, 'A')
    await session.close()
    expect(await bodies(next)).toEqual(['a2', 'a3'])
  })

  test('C15: abandon puts a message back at the head of its session', async () => {
    const { transport } = setUp()
    await sendTo(transport, ['A', 'a1'], ['A', 'a2'], ['A', 'a3'])
    const session = await accept(transport, 'A')
    const [a1] = await look(session, 2)
    await a1?.abandon({ delayMs: 0 })
    expect(await bodies(session)).toEqual(['a1', 'a3'])
  })

  test('C15: abandon with a delay lets its session wait, so that order holds, for who holds it too', async () => {
    const { clock, transport } = setUp()
    await sendTo(transport, ['A', 'a1'], ['A', 'a2'], ['A', 'a3'])
    const session = await accept(transport, 'A')
    const [, a2] = await look(session, 2)
    await a2?.abandon({ delayMs: 2_000 })
    const receiving = session.receive({ maxMessages: 10, waitMs: 5_000, signal: never })
    await clock.advance(1_999)
    expect(await outcomeOf(receiving)).toBe('pending')
    await clock.advance(1)
    expect(bodiesOf(await receiving)).toEqual(['a2', 'a3'])
  })

  test('C15: the delay outlives the session lock', async () => {
    const { clock, transport } = setUp()
    await sendTo(transport, ['A', 'a1'], ['A', 'a2'])
    const session = await accept(transport, 'A')
    await (await take(session)).abandon({ delayMs: 2_000 })
    await session.close()
    expect(await look(transport)).toEqual([])
    const next = await accept(transport, 'A')
    expect(await look(next)).toEqual([])
    await clock.advance(2_000)
    expect(await bodies(next)).toEqual(['a1', 'a2'])
  })

  test('C15: of two delays the later one counts; one that expires or is removed keeps nobody waiting', async () => {
    const { broker, clock, transport } = setUp()
    await sendTo(transport, ['A', 'a1'], ['A', 'a2', { timeToLiveMs: 3_000 }], ['A', 'a3'], ['A', 'a4'])
    const session = await accept(transport, 'A')
    const [a1, a2, a3] = await look(session, 3)
    await a1?.abandon({ delayMs: 1_000 })
    await a2?.abandon({ delayMs: 60_000 })
    await clock.advance(2_999)
    expect(await look(session)).toEqual([])
    await clock.advance(1)
    expect(broker.queue('orders').deadLetters()).toMatchObject([{ body: bytes('a2') }])
    await a3?.abandon({ delayMs: 60_000 })
    expect(await look(session)).toEqual([])
    expect(broker.queue('orders').remove('3')).toBe(true)
    expect(await bodies(session)).toEqual(['a1', 'a4'])
  })

  test('a message that is scheduled and was never delivered does not keep those behind it waiting', async () => {
    const { clock, transport } = setUp()
    await sendTo(transport, ['A', 'later', { deliverAt: new Date(START + 1_000) }], ['A', 'now'])
    const session = await accept(transport, 'A')
    expect(await bodies(session)).toEqual(['now'])
    await clock.advance(1_000)
    expect(await bodies(session)).toEqual(['later'])
  })

  test('a message does not expire while its session holds it, but as soon as it comes back', async () => {
    const { broker, clock, transport } = setUp({ timeToLiveMs: 1_000 })
    await sendTo(transport, ['A', 'a1'], ['A', 'a2'], ['A', 'a3'])
    const [a1] = await look(await accept(transport, 'A'))
    await clock.advance(5_000)
    await a1?.complete()
    await clock.advance(295_000)
    const { messages, deadLetters } = broker.queue('orders')
    expect(messages()).toEqual([])
    expect(deadLetters().map(({ body, deadLettered }) => [body, deadLettered?.at])).toEqual([
      [bytes('a2'), new Date(START + 300_000)],
      [bytes('a3'), new Date(START + 300_000)],
    ])
  })

  test('messages that expired in flight become dead letters in their order, and so do sessions that lapse at once', async () => {
    const { broker, clock, transport } = setUp({ timeToLiveMs: 1_000 })
    await sendTo(transport, ['A', 'a1'], ['A', 'a2'], ['A', 'a3'], ['B', 'b1'], ['C', 'c1'], ['D', 'd1'], ['E', 'e1'])
    for (const id of ['E', 'C', 'B', 'D']) await look(await accept(transport, id))
    const session = await accept(transport, 'A')
    const [a1] = await look(session)
    await a1?.abandon({ delayMs: 0 })
    await look(session)
    await clock.advance(300_000)
    const letters = broker.queue('orders').deadLetters()
    expect(letters.map(({ body }) => textOf(body))).toEqual(['e1', 'c1', 'b1', 'd1', 'a1', 'a2', 'a3'])
  })

  test('PM5: the last delivery that comes back is a dead letter, and the session goes on without it', async () => {
    const { transport } = setUp({ maxDeliveryCount: 1 })
    await sendTo(transport, ['A', 'a1'], ['A', 'a2'])
    const session = await accept(transport, 'A')
    await (await take(session)).abandon({ delayMs: 60_000 })
    expect(await bodies(session)).toEqual(['a2'])
  })

  test('C9: dead letters know no sessions: several of one are read at once, while it is held; their session id stays', async () => {
    const { transport } = setUp()
    await sendTo(transport, ['A', 'a1'], ['A', 'a2'], ['A', 'a3'])
    const session = await accept(transport, 'A')
    for (const delivery of await look(session, 2)) await delivery.deadLetter({ reason: 'poison' })
    const letters = await look(deadLettersOf(transport))
    expect(letters.map(({ message: { body, sessionId } }) => [body, sessionId])).toEqual([
      [bytes('a1'), 'A'],
      [bytes('a2'), 'A'],
    ])
    await session.close()
    await letters[0]?.complete()
    expect(await bodies(transport)).toEqual(['a3'])
  })
})

describe('closing a transport', () => {
  test('C21: frees its sessions, gives back their messages, and ends who waits for a session', async () => {
    const { broker, clock, transport } = setUp()
    await sendTo(transport, ['A', 'a1'])
    const session = await accept(transport, 'A')
    await take(session)
    const receiving = session.receive({ maxMessages: 1, waitMs: 5_000, signal: never })
    const accepting = acceptOf(transport)({ sessionId: undefined, waitMs: 5_000, signal: never })
    await transport.close()
    expect([await receiving, await accepting]).toEqual([[], null])
    expect(clock.sleepers).toBe(0)
    expect(broker.queue('orders').messages()).toMatchObject([{ state: 'active', deliveryCount: 1 }])
    await expect(session.renewLock()).rejects.toMatchObject({ code: 'SessionLockLost' })
    await expect(accept(transport, 'A')).rejects.toMatchObject(closed)
  })

  test('C21: a session that is given in the tick of the close is given back', async () => {
    const { broker, transport } = setUp()
    const other = memoryProvider({ broker }).open('orders')
    const accepting = acceptOf(transport)({ sessionId: undefined, waitMs: 5_000, signal: never })
    const sending = sendTo(other, ['A', 'a1'])
    await transport.close()
    await sending
    expect(await accepting).toBeNull()
    expect(await bodies(other)).toEqual(['a1'])
  })

  test('PF7: asks nothing of sessions that are closed already: they are forgotten', async () => {
    let looks = 0
    const now = (): number => {
      looks += 1
      return START
    }
    const { transport } = setUp({ clock: { ...fakeClock(START), now } })
    for (let count = 0; count < 100; count += 1) await (await accept(transport, 'A')).close()
    looks = 0
    await transport.close()
    expect(looks).toBe(0)
  })

  test('sessions of other transports go on', async () => {
    const { broker, transport } = setUp()
    await sendTo(transport, ['A', 'a1'])
    const session = await accept(memoryProvider({ broker }).open('orders'), 'A')
    await transport.close()
    expect(await bodies(session)).toEqual(['a1'])
  })
})
