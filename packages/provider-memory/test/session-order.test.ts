import { describe, expect, test } from 'vitest'
import { memoryProvider } from '../src/index.ts'
import { accept, bodies, bodiesOf, bytes, look, never, outcomeOf, START, sendTo, setUp, take } from './support.ts'

describe('plain receives of messages with a session (PM4)', () => {
  test('have one message of each session in flight, in order, beside all that have none', async () => {
    const { broker, transport } = setUp()
    const other = memoryProvider({ broker }).open('orders')
    await sendTo(transport, ['A', 'a1'], ['A', 'a2'], [undefined, 'one'], ['B', 'b1'], [undefined, 'two'], ['B', 'b2'])
    const [a1, , b1] = await look(transport)
    expect(await bodies(other)).toEqual([])
    await a1?.complete()
    expect(await bodies(other)).toEqual(['a2'])
    await b1?.deadLetter({ reason: 'poison' })
    expect(await bodies(other)).toEqual(['b2'])
  })

  test('get nothing of a session that is locked, whatever it has, and all of it afterwards', async () => {
    const { clock, transport } = setUp()
    await sendTo(transport, ['A', 'a1'], ['A', 'a2'], [undefined, 'loose'])
    const session = await accept(transport, 'A')
    const loose = await take(transport)
    expect(loose.message.body).toEqual(bytes('loose'))
    await loose.complete()
    const receiving = transport.receive({ maxMessages: 1, waitMs: 600_000, signal: never })
    await (await take(session)).abandon({ delayMs: 0 })
    await sendTo(transport, ['A', 'a3'])
    expect(await outcomeOf(receiving)).toBe('pending')
    await clock.advance(300_000)
    expect(bodiesOf(await receiving)).toEqual(['a1'])
  })

  test('who waits gets the next message of a session as soon as the one in flight is settled, or its lock ends', async () => {
    const { clock, transport } = setUp()
    await sendTo(transport, ['A', 'a1'], ['A', 'a2'])
    const a1 = await take(transport)
    const receive = () => transport.receive({ maxMessages: 10, waitMs: 60_000, signal: never })
    const next = receive()
    expect(await outcomeOf(next)).toBe('pending')
    await a1.complete()
    expect(bodiesOf(await next)).toEqual(['a2'])
    const again = receive()
    await clock.advance(30_000)
    expect((await again).map(({ message }) => [message.body, message.deliveryCount])).toEqual([[bytes('a2'), 2]])
  })

  test('C15, PM3: an abandoned message, and one whose lock ended, comes before the others of its session', async () => {
    const { clock, transport } = setUp()
    await sendTo(transport, ['A', 'a1'], ['A', 'a2'])
    await (await take(transport)).abandon({ delayMs: 0 })
    expect((await take(transport)).message.body).toEqual(bytes('a1'))
    await clock.advance(30_000)
    expect(await bodies(transport)).toEqual(['a1'])
  })

  test('C15: an abandon with a delay lets its session wait, and no other', async () => {
    const { clock, transport } = setUp()
    await sendTo(transport, ['A', 'a1'], ['A', 'a2'], ['B', 'b1'], [undefined, 'loose'])
    await (await take(transport)).abandon({ delayMs: 2_000 })
    expect(await bodies(transport)).toEqual(['b1', 'loose'])
    await clock.advance(1_999)
    expect(await look(transport)).toEqual([])
    await clock.advance(1)
    expect(await bodies(transport)).toEqual(['a1'])
  })

  test('a message that is scheduled does not keep those behind it waiting', async () => {
    const { clock, transport } = setUp()
    await sendTo(transport, ['A', 'later', { deliverAt: new Date(START + 1_000) }], ['A', 'now'], ['A', 'then'])
    const now = await take(transport)
    expect(now.message.body).toEqual(bytes('now'))
    await clock.advance(1_000)
    await now.complete()
    expect(await bodies(transport)).toEqual(['later'])
  })
})

describe('an operator who edits session ids', () => {
  test('moves a message to another session, where it keeps its place in the queue', async () => {
    const { broker, transport } = setUp()
    await sendTo(transport, ['A', 'one'], ['B', 'two'], ['B', 'three'])
    const session = await accept(transport, 'B')
    broker.queue('orders').replace('1', { sessionId: 'B' })
    expect(await bodies(session)).toEqual(['one', 'two', 'three'])
    expect((await accept(transport, 'A')).sessionId).toBe('A')
  })

  test('moves one that is in flight when it comes back; until then it holds the session it came from', async () => {
    const { broker, transport } = setUp()
    await sendTo(transport, ['A', 'one'], ['A', 'two'], ['B', 'three'])
    const one = await take(transport)
    broker.queue('orders').replace('1', { sessionId: 'B' })
    await one.renewLock()
    await expect(accept(transport, 'A')).rejects.toMatchObject({ code: 'SessionLocked' })
    const session = await accept(transport, 'B')
    expect(await bodies(session)).toEqual(['three'])
    await one.abandon({ delayMs: 0 })
    expect(await bodies(session)).toEqual(['one'])
    expect(await bodies(transport)).toEqual(['two'])
  })

  test('takes a message out of its session, or puts one in', async () => {
    const { broker, transport } = setUp()
    await sendTo(transport, ['A', 'one'], ['A', 'two'], [undefined, 'three'])
    broker.queue('orders').replace('2', { sessionId: undefined })
    broker.queue('orders').replace('3', { sessionId: 'A' })
    expect(await bodies(transport)).toEqual(['one', 'two'])
  })

  test('frees a session by removing its message in flight', async () => {
    const { broker, transport } = setUp()
    await sendTo(transport, ['A', 'one'], ['A', 'two'])
    const one = await take(transport)
    broker.queue('orders').remove('1')
    expect(await bodies(transport)).toEqual(['two'])
    await expect(one.complete()).rejects.toMatchObject({ code: 'MessageLockLost' })
  })
})
