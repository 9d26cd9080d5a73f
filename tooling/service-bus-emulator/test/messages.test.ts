import { expect, test } from 'vitest'
import { bodiesOf, bodyOf, codeOf, connect, emulate, listen, look, message, send, take, takeOne } from './support.ts'

test('a message is received as it was sent, with every field', async () => {
  const emulator = await emulate({ queues: ['orders'] })
  const client = connect(emulator)
  const fields = {
    messageId: 'm-1',
    sessionId: 's-1',
    correlationId: 'c-1',
    contentType: 'application/octet-stream',
    subject: 'subject',
    to: 'to',
    replyTo: 'reply-to',
    replyToSessionId: 'reply-session',
    partitionKey: 's-1',
    timeToLive: 60_000,
    applicationProperties: { text: 'ä', whole: 7, broken: 1.5, yes: true, none: null },
  }
  await send(client, 'orders', message('\0ÿ{"json":1}', fields))
  const received = await takeOne(listen(client, 'orders'))
  expect(received).toMatchObject({ ...fields, deliveryCount: 0, state: 'active' })
  expect(bodyOf(received)).toBe('\0ÿ{"json":1}')
  expect(received.sequenceNumber?.toNumber()).toBe(1)
  expect(received.enqueuedTimeUtc).toBeInstanceOf(Date)
  expect(received.expiresAtUtc?.getTime()).toBeGreaterThan(Date.now())
})

test('a batch arrives as its messages, in order', async () => {
  const client = connect(await emulate({ queues: ['orders'] }))
  const sender = client.createSender('orders')
  const batch = await sender.createMessageBatch()
  for (const body of ['a', 'b', 'c']) expect(batch.tryAddMessage(message(body))).toBe(true)
  await sender.sendMessages(batch)
  await sender.sendMessages([message('d'), message('e')])
  await sender.sendMessages([message('f')])
  expect(bodiesOf(await take(listen(client, 'orders'), 6))).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
})

test('the sender learns the largest message of the queue', async () => {
  const client = connect(await emulate({ queues: { orders: { maxMessageBytes: 5_000 } } }))
  const batch = await client.createSender('orders').createMessageBatch()
  expect(batch.maxSizeInBytes).toBe(5_000)
  expect(batch.tryAddMessage(message('x'.repeat(6_000)))).toBe(false)
})

test('a message beyond the largest is refused, and the next one passes', async () => {
  const emulator = await emulate({ queues: { orders: { maxMessageBytes: 5_000 } } })
  const client = connect(emulator, { retryOptions: { maxRetries: 0, timeoutInMs: 500 } })
  const sender = client.createSender('orders')
  expect(await codeOf(sender.sendMessages(message('x'.repeat(6_000))))).not.toBe('done')
  await sender.sendMessages(message('small'))
  expect(emulator.queue('orders').messages()).toHaveLength(1)
})

test('a message of many frames arrives whole', async () => {
  const client = connect(await emulate({ queues: { orders: { maxMessageBytes: 2_000_000 } } }))
  const body = 'x'.repeat(1_500_000)
  await send(client, 'orders', message(body))
  expect(bodyOf(await takeOne(listen(client, 'orders')))).toBe(body)
})

test('the receive-and-delete mode removes what it hands out', async () => {
  const emulator = await emulate({ queues: ['orders'] })
  const client = connect(emulator)
  await send(client, 'orders', message('a'), message('b'), message('c'))
  const receiver = listen(client, 'orders', { receiveMode: 'receiveAndDelete' })
  expect(bodiesOf(await take(receiver, 2))).toEqual(['a', 'b'])
  expect(emulator.queue('orders').messages()).toHaveLength(1)
})

test('who receives gets no more than was asked for, and an empty queue gives nothing', async () => {
  const emulator = await emulate({ queues: ['orders'] })
  const client = connect(emulator)
  await send(client, 'orders', message('a'), message('b'), message('c'))
  const receiver = listen(client, 'orders')
  expect(bodiesOf(await take(receiver, 2))).toEqual(['a', 'b'])
  expect(
    emulator
      .queue('orders')
      .messages()
      .map(({ state }) => state),
  ).toEqual(['locked', 'locked', 'active'])
  await takeOne(receiver)
  expect(await look(receiver)).toEqual([])
})

test('a wait that ran out leaves no credit behind: what comes later stays in the queue', async () => {
  const emulator = await emulate({ queues: ['orders'] })
  const client = connect(emulator)
  const receiver = listen(client, 'orders')
  expect(await receiver.receiveMessages(5, { maxWaitTimeInMs: 100 })).toEqual([])
  await send(client, 'orders', message('a'))
  expect(
    emulator
      .queue('orders')
      .messages()
      .map(({ state }) => state),
  ).toEqual(['active'])
  expect(bodyOf(await takeOne(receiver))).toBe('a')
})

test('waits that run out are ended by an answer: the link stays the same', async () => {
  const emulator = await emulate({ queues: ['orders'] })
  let attaches = 0
  emulator.inject('attach', () => {
    attaches += 1
    return undefined
  })
  const client = connect(emulator)
  const receiver = listen(client, 'orders')
  for (let round = 0; round < 3; round += 1) expect(await look(receiver)).toEqual([])
  expect(attaches).toBe(1)
  await send(client, 'orders', message('a'))
  expect(await receiver.receiveMessages(2, { maxWaitTimeInMs: 300 })).toHaveLength(1)
  expect(await look(receiver)).toEqual([])
  expect(attaches).toBe(2)
})

test('a link takes more messages than it has places for at one time', async () => {
  const emulator = await emulate({ queues: ['orders'] })
  const sender = connect(emulator).createSender('orders')
  // The SDK itself has 2048 places.
  for (let round = 0; round < 3; round += 1) {
    await Promise.all(Array.from({ length: 1_000 }, () => sender.sendMessages(message('a'))))
  }
  expect(emulator.queue('orders').messages()).toHaveLength(3_000)
})

test('a message that comes while somebody waits is handed out at once', async () => {
  const client = connect(await emulate({ queues: ['orders'] }))
  const waiting = listen(client, 'orders').receiveMessages(1, { maxWaitTimeInMs: 30_000 })
  await send(client, 'orders', message('a'))
  expect(bodiesOf(await waiting)).toEqual(['a'])
})

test('receivers of one queue share its messages: each goes to one of them', async () => {
  const client = connect(await emulate({ queues: ['orders'] }))
  const bodies = Array.from({ length: 300 }, (_, index) => `${index}`)
  const received: string[] = []
  for (let each = 0; each < 3; each += 1) {
    listen(client, 'orders').subscribe(
      { processMessage: async (got) => void received.push(bodyOf(got)), processError: async () => {} },
      { maxConcurrentCalls: 10 },
    )
  }
  await client.createSender('orders').sendMessages(bodies.map((body) => message(body)))
  while (received.length < bodies.length) await new Promise((resolve) => setTimeout(resolve, 5))
  expect(received.sort((a, b) => Number(a) - Number(b))).toEqual(bodies)
})

test('a queue with duplicate detection accepts the same id again and keeps the first', async () => {
  const emulator = await emulate({ queues: { orders: { duplicateDetectionMs: 60_000 }, plain: {} } })
  const client = connect(emulator)
  const twins = [message('first', { messageId: 'same' }), message('second', { messageId: 'same' })]
  await send(client, 'orders', ...twins, message('other'))
  await send(client, 'plain', ...twins)
  expect(bodiesOf(emulator.queue('orders').messages())).toEqual(['first', 'other'])
  expect(bodiesOf(emulator.queue('plain').messages())).toEqual(['first', 'second'])
})

test('messages are peeked at in any state, and stay as they are', async () => {
  const client = connect(await emulate({ queues: ['orders'] }))
  const sender = client.createSender('orders')
  await sender.sendMessages([message('locked'), message('deferred'), message('active')])
  await sender.scheduleMessages(message('scheduled'), new Date(Date.now() + 3_600_000))
  const receiver = listen(client, 'orders')
  const [, second] = await take(receiver, 2)
  if (second) await receiver.deferMessage(second)
  const peeked = await receiver.peekMessages(10)
  expect(bodiesOf(peeked)).toEqual(['locked', 'deferred', 'active', 'scheduled'])
  expect(peeked.map(({ state }) => state)).toEqual(['active', 'deferred', 'active', 'scheduled'])
  expect(await receiver.peekMessages(10)).toEqual([])
  const { sequenceNumber } = peeked[2] ?? {}
  if (sequenceNumber)
    expect(bodiesOf(await receiver.peekMessages(1, { fromSequenceNumber: sequenceNumber }))).toEqual(['active'])
})
