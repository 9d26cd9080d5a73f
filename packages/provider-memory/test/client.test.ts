import { createQueueClient, type QueueClient, type QueueClientOptions } from '@queue-runtime/core'
import { describe, expect, test } from 'vitest'
import { type MemoryBroker, type MemoryBrokerOptions, memoryProvider } from '../src/index.ts'
import { outcomeOf, START, setUp, textOf, type WatchedClock } from './support.ts'

type Setting = { clock: WatchedClock; broker: MemoryBroker; client: QueueClient; open: () => QueueClient }

function setUpClient(options: MemoryBrokerOptions = {}, more: Partial<QueueClientOptions> = {}): Setting {
  const { clock, broker } = setUp(options)
  const open = (): QueueClient =>
    createQueueClient({ provider: memoryProvider({ broker }), queue: 'orders', clock, logger: false, ...more })
  return { clock, broker, open, client: open() }
}

/** Receives the next message, which must be there. */
const next = async (client: QueueClient) => {
  const message = await client.receive({ waitMs: 0 })
  if (message === null) throw new Error('There is no message.')
  return message
}

describe('a client on this provider', () => {
  test('C1, A1: what is sent comes back, under a unique id', async () => {
    const { client } = setUpClient()
    const fields = { sessionId: 's', correlationId: 'c', contentType: 'text/plain', attributes: { k: 'v' } }
    const [one, two] = [await client.send({ body: 'a', ...fields }), await client.send({ body: 'b' })]
    expect(one.messageId).not.toBe(two.messageId)
    const received = await next(client)
    expect(received).toMatchObject({ ...fields, messageId: one.messageId, deliveryCount: 1, seal: null })
    expect(received.text()).toBe('a')
    expect(received.lockedUntil).toEqual(new Date(START + 30_000))
  })

  test('C2, C3: a batch that does not fit is reported item by item', async () => {
    const { client } = setUpClient({ maxQueueSize: 1 }, { retry: false })
    const messages = [
      { body: 'a', messageId: 'a' },
      { body: 'b', messageId: 'b' },
    ]
    const failure = await client.sendBatch(messages).catch((error: unknown) => error)
    expect(failure).toMatchObject({
      code: 'BatchPartiallyFailed',
      facts: { outcomes: [{ messageId: 'a' }, { error: { code: 'Throttled' } }] },
    })
  })

  test('C4, A4, edge 1: an empty queue gives null at the deadline, 20 s by default', async () => {
    const { clock, client } = setUpClient()
    const waiting = client.receive()
    await clock.advance(19_999)
    expect(await outcomeOf(waiting)).toBe('pending')
    await clock.advance(1)
    expect(await outcomeOf(waiting)).toEqual({ value: null })
  })

  test('C5: receiveBatch returns as soon as one good message is there; refused ones stand in rejected', async () => {
    const { client } = setUpClient({ maxDeliveryCount: 5 }, { maxDeliveries: 1 })
    await client.send({ body: 'poison' })
    await (await next(client)).abandon()
    const waiting = client.receiveBatch({ waitMs: 5_000 })
    await client.send({ body: 'good' })
    const { messages, rejected } = await waiting
    expect(messages.map((message) => message.text())).toEqual(['good'])
    expect(rejected).toMatchObject([{ error: { code: 'MaxDeliveriesExceeded' }, settled: true }])
  })

  test('C6: an abort rejects with the reason and leaks neither timer nor message', async () => {
    const { clock, broker, client } = setUpClient()
    const controller = new AbortController()
    const reason = new Error('enough')
    const waiting = [1, 2, 3].map(() => client.receive({ signal: controller.signal }))
    controller.abort(reason)
    for (const call of waiting) await expect(call).rejects.toBe(reason)
    await client.send({ body: 'a' })
    expect(clock.sleepers).toBe(0)
    expect(broker.queue('orders').messages()).toMatchObject([{ state: 'active', deliveryCount: 0 }])
  })

  test('C6: a message that arrives in the tick of the abort goes back to the queue', async () => {
    const { broker, client } = setUpClient()
    const controller = new AbortController()
    const waiting = client.receive({ signal: controller.signal })
    await outcomeOf(waiting)
    broker.queue('orders').put({ messageId: 'm', body: new Uint8Array() })
    controller.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
    await client.close()
    expect(broker.queue('orders').messages()).toMatchObject([{ state: 'active' }])
  })

  test('C7, A6: settling twice gives AlreadySettled; after the lock MessageLockLost; the queue is unchanged', async () => {
    const { clock, broker, client } = setUpClient()
    await client.sendBatch([{ body: 'a' }, { body: 'b' }])
    const [a, b] = [await next(client), await next(client)]
    await a.complete()
    await expect(a.complete()).rejects.toMatchObject({ code: 'AlreadySettled' })
    await clock.advance(30_000)
    await expect(b.complete()).rejects.toMatchObject({ code: 'MessageLockLost' })
    expect(
      broker
        .queue('orders')
        .messages()
        .map(({ body }) => textOf(body)),
    ).toEqual(['b'])
  })

  test('C8: abandon makes it visible at once, with delayMs later; deliveries count from 1', async () => {
    const { clock, client } = setUpClient()
    await client.send({ body: 'a' })
    const first = await next(client)
    await first.abandon()
    const second = await next(client)
    await second.abandon({ delayMs: 1_000 })
    await clock.advance(999)
    expect(await client.receive({ waitMs: 0 })).toBeNull()
    await clock.advance(1)
    const third = await next(client)
    expect([first, second, third].map(({ deliveryCount }) => deliveryCount)).toEqual([1, 2, 3])
  })

  test('C9: a dead letter is readable through deadLetters(), with reason and description', async () => {
    const { client } = setUpClient()
    await client.send({ body: 'a', attributes: { k: 'v' }, sessionId: 's' })
    await (await next(client)).deadLetter({ reason: 'poison', description: 'why' })
    const seen: unknown[] = []
    for await (const letter of client.deadLetters().messages()) {
      seen.push([letter.reason, letter.description, letter.attributes, letter.sessionId, (await letter.open()).text()])
      await letter.complete()
    }
    expect(seen).toEqual([['poison', 'why', { k: 'v' }, 's', 'a']])
    for await (const letter of client.deadLetters().messages()) seen.push(letter)
    expect(seen.length).toBe(1)
  })

  test('C17, A38: without dead letters the client says Unsupported and keeps the message', async () => {
    const { broker, client } = setUpClient({ deadLetter: false })
    const unsupported = { code: 'Unsupported', facts: { feature: 'dead-letter' } }
    expect(() => client.deadLetters()).toThrow(expect.objectContaining(unsupported))
    await client.send({ body: 'a' })
    const message = await next(client)
    await expect(message.deadLetter({ reason: 'poison' })).rejects.toMatchObject(unsupported)
    expect(broker.queue('orders').messages().length).toBe(1)
    await message.complete()
  })

  test('C13, A13, edge 2: after the lock ended it is redelivered, and only the new delivery can settle it', async () => {
    const { clock, broker, client } = setUpClient()
    await client.send({ body: 'a' })
    const first = await next(client)
    await clock.advance(30_000)
    const second = await next(client)
    await expect(first.complete()).rejects.toMatchObject({ code: 'MessageLockLost' })
    expect(second.deliveryCount).toBe(2)
    await second.complete()
    expect(broker.queue('orders').messages()).toEqual([])
  })

  test('edge 3: the count rises on redelivery, not when the lock ends', async () => {
    const { clock, broker, client } = setUpClient()
    await client.send({ body: 'a' })
    await next(client)
    await clock.advance(30_000)
    expect(broker.queue('orders').messages()).toMatchObject([{ deliveryCount: 1 }])
  })

  test('edge 4: two messages of one id are both delivered', async () => {
    const { client } = setUpClient()
    await client.sendBatch([
      { body: 'a', messageId: 'same' },
      { body: 'b', messageId: 'same' },
    ])
    expect([(await next(client)).text(), (await next(client)).text()]).toEqual(['a', 'b'])
  })

  test('PM1: two clients on one broker see the same queue', async () => {
    const { client, open } = setUpClient()
    await client.send({ body: 'a' })
    await client.close()
    expect((await next(open())).text()).toBe('a')
  })

  test('C21: close gives back what is unsettled and ends what waits', async () => {
    const { broker, client } = setUpClient()
    await client.send({ body: 'a' })
    await next(client)
    const waiting = client.receive()
    await client.close()
    await expect(waiting).rejects.toMatchObject({ code: 'ClientClosed' })
    expect(broker.queue('orders').messages()).toMatchObject([{ state: 'active' }])
  })
})

describe('many at once', () => {
  test('C20, A18: 100 parallel sends and receives on one client lose nothing and double nothing', async () => {
    const { broker, client } = setUpClient()
    const numbers = Array.from({ length: 100 }, (_, index) => `${index}`)
    const receiving = numbers.map(async () => {
      const message = await client.receive()
      await message?.complete()
      return message?.text()
    })
    await Promise.all(numbers.map((body) => client.send({ body })))
    expect(new Set(await Promise.all(receiving))).toEqual(new Set(numbers))
    expect(broker.queue('orders').messages()).toEqual([])
  })

  test('C20: clients that compete for one queue share it without loss or double', async () => {
    const { broker, client, open } = setUpClient()
    const numbers = Array.from({ length: 300 }, (_, index) => `${index}`)
    const handled: string[] = []
    const clients = [open(), open(), open()]
    for (const each of clients) each.consume((message) => handled.push(message.text()), { concurrency: 5 })
    await Promise.all(numbers.map((body) => client.send({ body })))
    while (handled.length < numbers.length) await new Promise((resolve) => setImmediate(resolve))
    await Promise.all(clients.map((each) => each.close()))
    expect(handled.toSorted()).toEqual(numbers.toSorted())
    expect(broker.queue('orders').messages()).toEqual([])
  })

  test('edge 19: a burst of 10 000 sends is stored whole, in order', async () => {
    const { broker, client } = setUpClient()
    const numbers = Array.from({ length: 10_000 }, (_, index) => `${index}`)
    const sent = await Promise.all(numbers.map((body) => client.send({ body })))
    expect(new Set(sent.map(({ messageId }) => messageId)).size).toBe(numbers.length)
    const received: string[] = []
    while (received.length < numbers.length) {
      const { messages } = await client.receiveBatch({ maxMessages: 500, waitMs: 0 })
      if (messages.length === 0) break
      for (const message of messages) {
        received.push(message.text())
        await message.complete()
      }
    }
    expect(received).toEqual(numbers)
    expect(broker.queue('orders').messages()).toEqual([])
  })
})
