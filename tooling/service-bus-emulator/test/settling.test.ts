import { fakeClock } from '@queue-runtime/core/testing'
import { expect, test } from 'vitest'
import {
  bodyOf,
  codeOf,
  connect,
  deadLettersOf,
  emulate,
  listen,
  look,
  message,
  START,
  send,
  take,
  takeDeferred,
  takeOne,
} from './support.ts'

test('complete removes a message for good', async () => {
  const emulator = await emulate({ queues: ['orders'] })
  const client = connect(emulator)
  await send(client, 'orders', message('a'))
  const receiver = listen(client, 'orders')
  await receiver.completeMessage(await takeOne(receiver))
  expect(emulator.queue('orders').messages()).toEqual([])
})

test('abandon gives a message back to its place, one delivery older, with what was changed', async () => {
  const client = connect(await emulate({ queues: ['orders'] }))
  await send(client, 'orders', message('a', { applicationProperties: { kept: 1, changed: 1 } }), message('b'))
  const receiver = listen(client, 'orders')
  await receiver.abandonMessage(await takeOne(receiver), { changed: 'yes' })
  const again = await takeOne(receiver)
  expect(bodyOf(again)).toBe('a')
  expect(again).toMatchObject({ deliveryCount: 1, applicationProperties: { kept: 1, changed: 'yes' } })
})

test('a message that is abandoned once is abandoned once', async () => {
  const emulator = await emulate({ queues: ['orders'] })
  const client = connect(emulator)
  await send(client, 'orders', message('a'))
  const receiver = listen(client, 'orders')
  await receiver.abandonMessage(await takeOne(receiver))
  await look(listen(client, 'orders', { receiveMode: 'peekLock' }))
  expect(emulator.queue('orders').messages()[0]?.deliveryCount).toBe(1)
})

test('a dead letter tells why, and can be completed', async () => {
  const emulator = await emulate({ queues: ['orders'] })
  const client = connect(emulator)
  await send(client, 'orders', message('a', { applicationProperties: { kept: 1 } }))
  const receiver = listen(client, 'orders')
  await receiver.deadLetterMessage(await takeOne(receiver), {
    deadLetterReason: 'Broken',
    deadLetterErrorDescription: 'It is broken.',
    extra: 2,
  })
  expect(emulator.queue('orders').messages()).toEqual([])
  const letters = deadLettersOf(client, 'orders')
  const letter = await takeOne(letters)
  expect(letter).toMatchObject({ deadLetterReason: 'Broken', deadLetterErrorDescription: 'It is broken.' })
  expect(letter.applicationProperties).toMatchObject({ kept: 1, extra: 2, DeadLetterReason: 'Broken' })
  await letters.completeMessage(letter)
  expect(emulator.queue('orders').deadLetters()).toEqual([])
})

test('a dead letter cannot be dead-lettered again, and comes back as often as it is abandoned', async () => {
  const client = connect(await emulate({ queues: { orders: { maxDeliveryCount: 1 } } }))
  await send(client, 'orders', message('a'))
  const receiver = listen(client, 'orders')
  await receiver.abandonMessage(await takeOne(receiver))
  const letters = deadLettersOf(client, 'orders')
  for (let round = 0; round < 3; round += 1) await letters.abandonMessage(await takeOne(letters))
  expect(await codeOf(letters.deadLetterMessage(await takeOne(letters)))).toBe('GeneralError')
})

test('what failed too often becomes a dead letter', async () => {
  const client = connect(await emulate({ queues: { orders: { maxDeliveryCount: 2 } } }))
  await send(client, 'orders', message('a'))
  const receiver = listen(client, 'orders')
  await receiver.abandonMessage(await takeOne(receiver))
  await receiver.abandonMessage(await takeOne(receiver))
  expect(await look(receiver)).toEqual([])
  expect(await takeOne(deadLettersOf(client, 'orders'))).toMatchObject({
    deadLetterReason: 'MaxDeliveryCountExceeded',
    deliveryCount: 2,
  })
})

test('a deferred message comes back by its sequence number only', async () => {
  const emulator = await emulate({ queues: ['orders'] })
  const client = connect(emulator)
  await send(client, 'orders', message('a'))
  const receiver = listen(client, 'orders')
  const first = await takeOne(receiver)
  await receiver.deferMessage(first, { note: 'later' })
  expect(await look(receiver)).toEqual([])
  const deferred = await takeDeferred(receiver, first)
  expect(deferred).toMatchObject({ state: 'deferred', applicationProperties: { note: 'later' } })
  expect(await codeOf(takeDeferred(receiver, first))).toBe('MessageNotFound')
  await receiver.completeMessage(deferred)
  expect(emulator.queue('orders').messages()).toEqual([])
})

test('a deferred message that is abandoned stays deferred, and can be dead-lettered', async () => {
  const client = connect(await emulate({ queues: ['orders'] }))
  await send(client, 'orders', message('a'))
  const receiver = listen(client, 'orders')
  const first = await takeOne(receiver)
  await receiver.deferMessage(first)
  for (const settle of ['abandonMessage', 'deferMessage', 'deadLetterMessage'] as const) {
    await receiver[settle](await takeDeferred(receiver, first))
  }
  expect(bodyOf(await takeOne(deadLettersOf(client, 'orders')))).toBe('a')
})

test('a lock that ran out gives the message to the next, and its old holder loses', async () => {
  const clock = fakeClock(START)
  const emulator = await emulate({ queues: { orders: { lockDurationMs: 5_000 } }, clock })
  const client = connect(emulator)
  await send(client, 'orders', message('a'), message('b'))
  const receiver = listen(client, 'orders')
  const late = await takeOne(receiver)
  expect(late.lockedUntilUtc).toEqual(new Date(START + 5_000))
  await clock.advance(5_000)
  const again = await takeOne(receiver)
  expect([bodyOf(again), again.deliveryCount]).toEqual(['a', 1])
  expect(await codeOf(receiver.completeMessage(late))).toBe('MessageLockLost')
  expect(await codeOf(receiver.renewMessageLock(late))).toBe('MessageLockLost')
  await receiver.completeMessage(again)
  expect(emulator.queue('orders').messages()).toHaveLength(1)
})

test('whoever waits is served when the lock of another runs out', async () => {
  const clock = fakeClock(START)
  const client = connect(await emulate({ queues: { orders: { lockDurationMs: 5_000 } }, clock }))
  await send(client, 'orders', message('a'))
  await takeOne(listen(client, 'orders'))
  const receiver = listen(client, 'orders')
  await look(receiver)
  const waiting = receiver.receiveMessages(1, { maxWaitTimeInMs: 20_000 })
  await new Promise((resolve) => setTimeout(resolve, 50))
  await clock.advance(5_000)
  expect((await waiting).map(({ deliveryCount }) => deliveryCount)).toEqual([1])
})

test('a renewed lock holds a whole duration longer', async () => {
  const clock = fakeClock(START)
  const client = connect(await emulate({ queues: { orders: { lockDurationMs: 5_000 } }, clock }))
  await send(client, 'orders', message('a'))
  const receiver = listen(client, 'orders')
  const held = await takeOne(receiver)
  await clock.advance(4_000)
  expect(await receiver.renewMessageLock(held)).toEqual(new Date(START + 9_000))
  await clock.advance(4_999)
  await receiver.completeMessage(held)
})

test('closing a receiver leaves its locks until they run out', async () => {
  const clock = fakeClock(START)
  const client = connect(await emulate({ queues: { orders: { lockDurationMs: 5_000 } }, clock }))
  await send(client, 'orders', message('a'))
  const first = listen(client, 'orders')
  await takeOne(first)
  await first.close()
  const second = listen(client, 'orders')
  expect(await look(second)).toEqual([])
  await clock.advance(5_000)
  expect(await takeOne(second)).toMatchObject({ deliveryCount: 1 })
})

test('thousands of settlements in one go are each answered', async () => {
  const emulator = await emulate({ queues: ['orders'] })
  const client = connect(emulator)
  await client.createSender('orders').sendMessages(Array.from({ length: 1_500 }, (_, index) => message(`${index}`)))
  const receiver = listen(client, 'orders')
  const messages = await take(receiver, 1_500)
  await Promise.all(messages.map((each) => receiver.completeMessage(each)))
  expect(emulator.queue('orders').messages()).toEqual([])
})

test('two settlements in one frame have each their own answer', async () => {
  const clock = fakeClock(START)
  const client = connect(await emulate({ queues: { orders: { lockDurationMs: 5_000 } }, clock }))
  await send(client, 'orders', message('a'), message('b'), message('c'))
  const receiver = listen(client, 'orders')
  const late = await takeOne(receiver)
  await clock.advance(3_000)
  const [second, third] = await take(receiver, 2)
  if (second === undefined || third === undefined) throw new Error('There are no two messages.')
  await clock.advance(3_000)
  const codes = [late, second, third].map((held) => codeOf(receiver.completeMessage(held)))
  expect(await Promise.all(codes)).toEqual(['MessageLockLost', 'done', 'done'])
})
