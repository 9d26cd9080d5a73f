import { fakeClock } from '@queue-runtime/core/testing'
import { expect, test } from 'vitest'
import {
  bodiesOf,
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
  takeOne,
} from './support.ts'

const at = (ms: number): Date => new Date(START + ms)

test('a scheduled message comes at its time, behind those that came before', async () => {
  const clock = fakeClock(START)
  const emulator = await emulate({ queues: ['orders'], clock })
  const client = connect(emulator)
  const sender = client.createSender('orders')
  const [number] = await sender.scheduleMessages(message('later'), at(5_000))
  await sender.sendMessages(message('by field', { scheduledEnqueueTimeUtc: at(6_000) }))
  await sender.sendMessages(message('now'))
  expect(number?.toNumber()).toBe(1)
  const receiver = listen(client, 'orders')
  expect(bodiesOf(await take(receiver, 1))).toEqual(['now'])
  expect(await look(receiver)).toEqual([])
  const waiting = receiver.receiveMessages(2, { maxWaitTimeInMs: 20_000 })
  await new Promise((resolve) => setTimeout(resolve, 50))
  await clock.advance(6_000)
  const received = await waiting
  expect(bodiesOf(received)).toEqual(['later', 'by field'])
  expect(received.map(({ sequenceNumber }) => sequenceNumber?.toNumber())).toEqual([4, 5])
  expect(received[0]?.enqueuedTimeUtc).toEqual(at(5_000))
})

test('a scheduled message can be taken back until its time has come', async () => {
  const clock = fakeClock(START)
  const emulator = await emulate({ queues: ['orders'], clock })
  const sender = connect(emulator).createSender('orders')
  const [first, second] = await sender.scheduleMessages([message('a'), message('b')], at(5_000))
  if (first === undefined || second === undefined) throw new Error('Nothing was scheduled.')
  await sender.cancelScheduledMessages(first)
  expect(bodiesOf(emulator.queue('orders').messages())).toEqual(['b'])
  expect(await codeOf(sender.cancelScheduledMessages(first))).toBe('MessageNotFound')
  await clock.advance(5_000)
  expect(await codeOf(sender.cancelScheduledMessages(second))).toBe('MessageNotFound')
})

test('a message past its time to live is dropped', async () => {
  const clock = fakeClock(START)
  const emulator = await emulate({ queues: ['orders'], clock })
  const client = connect(emulator)
  await send(client, 'orders', message('short', { timeToLive: 1_000 }), message('long'))
  await clock.advance(1_000)
  expect(bodiesOf(await take(listen(client, 'orders'), 1))).toEqual(['long'])
  expect(emulator.queue('orders').deadLetters()).toEqual([])
})

test('a queue can make dead letters of what expires, and shorten every time to live', async () => {
  const clock = fakeClock(START)
  const queues = { orders: { deadLetterOnExpiration: true, timeToLiveMs: 2_000 } }
  const client = connect(await emulate({ queues, clock }))
  await send(client, 'orders', message('a', { timeToLive: 60_000 }), message('b'))
  await clock.advance(2_000)
  const letters = await take(deadLettersOf(client, 'orders'), 2)
  expect(letters.map(({ deadLetterReason }) => deadLetterReason)).toEqual([
    'TTLExpiredException',
    'TTLExpiredException',
  ])
})

test('a locked message can be completed after its time to live, and is gone when it comes back', async () => {
  const clock = fakeClock(START)
  const emulator = await emulate({ queues: ['orders'], clock })
  const client = connect(emulator)
  await send(client, 'orders', message('a', { timeToLive: 1_000 }), message('b', { timeToLive: 1_000 }))
  const receiver = listen(client, 'orders')
  const [first, second] = await take(receiver, 2)
  await clock.advance(2_000)
  if (first) await receiver.completeMessage(first)
  if (second) await receiver.abandonMessage(second)
  expect(emulator.queue('orders').messages()).toEqual([])
})

test('the time to live of a scheduled message begins when it comes', async () => {
  const clock = fakeClock(START)
  const emulator = await emulate({ queues: ['orders'], clock })
  const client = connect(emulator)
  await client.createSender('orders').scheduleMessages(message('a', { timeToLive: 2_000 }), at(5_000))
  await clock.advance(6_999)
  expect(emulator.queue('orders').messages()).toHaveLength(1)
  await clock.advance(1)
  expect(emulator.queue('orders').messages()).toEqual([])
})

test('an id is forgotten when the window of duplicate detection is over', async () => {
  const clock = fakeClock(START)
  const emulator = await emulate({ queues: { orders: { duplicateDetectionMs: 10_000 } }, clock })
  const client = connect(emulator)
  const again = (body: string) => message(body, { messageId: 'same' })
  await send(client, 'orders', again('first'))
  await takeOne(listen(client, 'orders', { receiveMode: 'receiveAndDelete' }))
  await clock.advance(9_999)
  await send(client, 'orders', again('second'))
  await clock.advance(1)
  await send(client, 'orders', again('third'))
  expect(bodiesOf(emulator.queue('orders').messages())).toEqual(['third'])
})
