import { describe, expect, test } from 'vitest'
import { memoryBroker, memoryProvider, type StoredMessage } from '../src/index.ts'
import { bodies, bytes, deadLettersOf, look, never, START, sendAll, setUp, take, textOf, wire } from './support.ts'

describe('queues', () => {
  test('PM1: two providers on one broker see the same queues; two brokers are isolated', async () => {
    const { broker, transport } = setUp()
    const other = setUp()
    await sendAll(transport, 'a')
    expect(await bodies(other.transport)).toEqual([])
    expect(await bodies(memoryProvider({ broker }).open('orders'))).toEqual(['a'])
  })

  test('PM1: a provider without a broker has one of its own, shared by its transports', async () => {
    const [one, two] = [memoryProvider(), memoryProvider()]
    await sendAll(one.open('orders'), 'a')
    expect(await bodies(two.open('orders'))).toEqual([])
    expect(await bodies(one.open('orders'))).toEqual(['a'])
  })

  test('PM1: messages outlive the transport that sent them', async () => {
    const { broker, transport } = setUp()
    await sendAll(transport, 'a')
    await transport.close()
    expect(await bodies(memoryProvider({ broker }).open('orders'))).toEqual(['a'])
  })

  test('PM7: a queue is made at its first use, not when it is opened', async () => {
    const { broker, transport } = setUp()
    expect(broker.queueNames()).toEqual([])
    expect(await look(transport)).toEqual([])
    expect(broker.queueNames()).toEqual(['orders'])
    expect(broker.queue('other').messages()).toEqual([])
    expect(broker.queueNames()).toEqual(['orders', 'other'])
  })

  test('PM7, A2: without autoCreateQueues an unknown queue gives QueueNotFound with its name', async () => {
    const { broker, transport } = setUp({ autoCreateQueues: false, queues: ['known', 'orders2'] })
    const notFound = { code: 'QueueNotFound', facts: { queue: 'orders' } }
    await expect(sendAll(transport, 'a')).rejects.toMatchObject(notFound)
    await expect(look(transport)).rejects.toMatchObject(notFound)
    await expect(look(deadLettersOf(transport))).rejects.toMatchObject(notFound)
    expect(() => broker.queue('orders')).toThrow(expect.objectContaining(notFound))
    expect(broker.queueNames()).toEqual(['known', 'orders2'])
    expect(broker.queue('known').messages()).toEqual([])
  })
})

describe('what the broker shows (PM9)', () => {
  test('messages() are copies in queue order, of what is active, locked and scheduled', async () => {
    const { broker, clock, transport } = setUp()
    await transport.send(
      [
        wire('a', { messageId: 'one', sessionId: 's', correlationId: 'c', contentType: 't', attributes: { k: 'v' } }),
        wire('b', { messageId: 'two', deliverAt: new Date(START + 1_000), timeToLiveMs: 50 }),
        wire('c', { messageId: 'three' }),
      ],
      { signal: never },
    )
    await take(transport)
    const [one, two, three] = broker.queue('orders').messages()
    expect(one).toEqual({
      brokerMessageId: '1',
      messageId: 'one',
      deduplicationId: 'one',
      body: bytes('a'),
      sessionId: 's',
      correlationId: 'c',
      contentType: 't',
      attributes: { k: 'v' },
      state: 'locked',
      deliveryCount: 1,
      enqueuedAt: new Date(START),
      lockedUntil: new Date(START + 30_000),
    })
    expect(two).toMatchObject({
      ...{ brokerMessageId: '2', messageId: 'two', state: 'scheduled', deliveryCount: 0, timeToLiveMs: 50 },
      deliverAt: new Date(START + 1_000),
      expiresAt: new Date(START + 1_050),
    })
    expect(three).toMatchObject({ brokerMessageId: '3', state: 'active', attributes: {}, lockedUntil: undefined })
    await clock.advance(1_000)
    expect(broker.queue('orders').messages()[1]).toMatchObject({ state: 'active' })
  })

  test('writing to what it shows changes nothing at the broker', async () => {
    const { broker, transport } = setUp()
    await transport.send([wire('a', { attributes: { k: 'v' } })], { signal: never })
    const [shown] = broker.queue('orders').messages()
    shown?.body.fill(0)
    Object.assign(shown?.attributes ?? {}, { k: 'w' })
    const { message } = await take(transport)
    expect([textOf(message.body), message.attributes]).toEqual(['a', { k: 'v' }])
  })

  test('onStored is told of each message before anybody receives it, and cannot undo what was stored', async () => {
    const told: [string, StoredMessage][] = []
    const { broker, transport } = setUp({
      onStored: (queue, message) => {
        told.push([queue, message])
        throw new Error('an observer that fails')
      },
    })
    await sendAll(transport, 'a', 'b')
    broker.queue('other').put({ messageId: 'raw', body: bytes('c') })
    expect(told.map(([queue, { body, state }]) => [queue, textOf(body), state])).toEqual([
      ['orders', 'a', 'active'],
      ['orders', 'b', 'active'],
      ['other', 'c', 'active'],
    ])
    expect(await bodies(transport)).toEqual(['a', 'b'])
  })
})

describe('what an attacker at the broker does', () => {
  test('put stores anything, unchecked, and what was shown can be put again', async () => {
    const { broker, transport } = setUp({ maxMessageBytes: 4, maxQueueSize: 1 })
    const queue = broker.queue('orders')
    const body = bytes('far too long')
    expect(queue.put({ messageId: '', body })).toBe('1')
    body.fill(0)
    const [stored] = queue.messages()
    expect(stored && queue.put(stored)).toBe('2')
    const [first, second] = await look(transport)
    expect(first?.message).toMatchObject({ messageId: '', brokerMessageId: '1', deliveryCount: 1, attributes: {} })
    expect(second?.message).toMatchObject({ messageId: '', brokerMessageId: '2', deliveryCount: 1 })
    expect(second?.message.body).toEqual(bytes('far too long'))
  })

  test('put wakes a receiver that waits', async () => {
    const { broker, transport } = setUp()
    const waiting = transport.receive({ maxMessages: 1, waitMs: 1_000, signal: never })
    broker.queue('orders').put({ messageId: 'raw', body: bytes('a') })
    expect((await waiting).length).toBe(1)
  })

  test('replace edits a message where it stands; undefined removes a field; what was delivered stays as it was', async () => {
    const { broker, transport } = setUp()
    const queue = broker.queue('orders')
    await transport.send([wire('a', { sessionId: 's', contentType: 't' }), wire('b')], { signal: never })
    const held = await take(transport)
    expect(queue.replace('1', { body: bytes('A'), sessionId: 'S', contentType: undefined })).toBe(true)
    expect(textOf(held.message.body)).toBe('a')
    await held.abandon({ delayMs: 0 })
    const [first, second] = await look(transport)
    expect(first?.message).toMatchObject({ body: bytes('A'), sessionId: 'S', contentType: undefined, deliveryCount: 2 })
    expect(second?.message.body).toEqual(bytes('b'))
    expect(queue.replace('3', {})).toBe(false)
    expect(queue.replace('01', {})).toBe(false)
  })

  test('replace moves the moments too: a message can be scheduled, brought forward and made to expire', async () => {
    const { broker, clock, transport } = setUp()
    const queue = broker.queue('orders')
    await sendAll(transport, 'a', 'b')
    queue.replace('1', { deliverAt: new Date(START + 5_000) })
    queue.replace('2', { timeToLiveMs: 10 })
    await clock.advance(10)
    expect(await look(transport)).toEqual([])
    expect(queue.deadLetters()).toMatchObject([{ brokerMessageId: '2' }])
    queue.replace('1', { deliverAt: undefined })
    expect(await bodies(transport)).toEqual(['a'])
  })

  test('replace and remove reach dead letters, which never expire', async () => {
    const { broker, clock, transport } = setUp()
    const queue = broker.queue('orders')
    await sendAll(transport, 'a', 'b')
    for (const delivery of await look(transport)) await delivery.deadLetter({ reason: 'poison' })
    expect(queue.replace('2', { body: bytes('B'), timeToLiveMs: 1 })).toBe(true)
    expect(queue.remove('1')).toBe(true)
    expect(queue.remove('1')).toBe(false)
    await clock.advance(1_000)
    expect(await bodies(deadLettersOf(transport))).toEqual(['B'])
  })

  test('remove takes a message away, from its holder too', async () => {
    const { broker, clock, transport } = setUp()
    await sendAll(transport, 'a', 'b')
    const held = await take(transport)
    expect(broker.queue('orders').remove('1')).toBe(true)
    await expect(held.complete()).rejects.toMatchObject({ code: 'MessageLockLost' })
    await clock.advance(30_000)
    expect(await bodies(transport)).toEqual(['b'])
  })
})

test('a broker prints nothing of its messages by accident', async () => {
  const broker = memoryBroker()
  await sendAll(memoryProvider({ broker }).open('orders'), 'secret')
  expect(JSON.stringify(broker)).toBe('{}')
})
