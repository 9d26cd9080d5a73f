import type { ServiceBusClient, ServiceBusSessionReceiver } from '@azure/service-bus'
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
  takeDeferred,
  takeOne,
  until,
} from './support.ts'

const OPTIONS = { skipParsingBodyAsJson: true, maxAutoLockRenewalDurationInMs: 0 }
const SESSIONS = { orders: { requiresSession: true, lockDurationMs: 5_000 } }

const accept = (client: ServiceBusClient, sessionId: string): Promise<ServiceBusSessionReceiver> =>
  client.acceptSession('orders', sessionId, OPTIONS)

const next = (client: ServiceBusClient): Promise<ServiceBusSessionReceiver> =>
  client.acceptNextSession('orders', OPTIONS)

const of = (sessionId: string, ...bodies: string[]) => bodies.map((body) => message(body, { sessionId }))

test('a session gives its own messages only, in order', async () => {
  const client = connect(await emulate({ queues: SESSIONS }))
  await send(
    client,
    'orders',
    ...of('s-1', 'a'),
    ...of('s-2', 'x'),
    ...of('s-1', 'b'),
    ...of('s-2', 'y'),
    ...of('s-1', 'c'),
  )
  const session = await accept(client, 's-1')
  expect(session.sessionId).toBe('s-1')
  expect(bodiesOf(await take(session, 3))).toEqual(['a', 'b', 'c'])
  expect(await look(session)).toEqual([])
})

test('the next session is the one whose message waits longest and which nobody holds', async () => {
  const client = connect(await emulate({ queues: SESSIONS }))
  await send(client, 'orders', ...of('s-2', 'x'), ...of('s-1', 'a'))
  const [first, second] = [await next(client), await next(client)]
  expect([first.sessionId, second.sessionId]).toEqual(['s-2', 's-1'])
})

test('whoever waits for a session gets it when a message comes', async () => {
  const client = connect(await emulate({ queues: SESSIONS }))
  const waiting = next(client)
  await send(client, 'orders', ...of('s-1', 'a'))
  const session = await waiting
  expect(session.sessionId).toBe('s-1')
  expect(bodiesOf(await take(session, 1))).toEqual(['a'])
})

test('without a session in time the wait ends with a timeout', async () => {
  const emulator = await emulate({ queues: SESSIONS })
  const client = connect(emulator, { retryOptions: { maxRetries: 0, timeoutInMs: 300 } })
  expect(await codeOf(next(client))).toBe('ServiceTimeout')
})

test('a session that is held cannot be accepted by another until it is closed', async () => {
  const emulator = await emulate({ queues: SESSIONS })
  const client = connect(emulator)
  await send(client, 'orders', ...of('s-1', 'a'))
  const holder = await accept(client, 's-1')
  await takeOne(holder)
  expect(await codeOf(accept(client, 's-1'))).toBe('SessionCannotBeLocked')
  await holder.close()
  const again = await accept(client, 's-1')
  // Closing is no failure of the messages (message-sessions, "Impact of delivery count").
  expect(await takeOne(again)).toMatchObject({ deliveryCount: 0 })
})

test('an empty session can be accepted by its name', async () => {
  const client = connect(await emulate({ queues: SESSIONS }))
  const session = await accept(client, 'new')
  await send(client, 'orders', ...of('new', 'a'))
  expect(bodiesOf(await take(session, 1))).toEqual(['a'])
})

test('a session lock that ran out ends its receiver and gives the messages to the next', async () => {
  const clock = fakeClock(START)
  const client = connect(await emulate({ queues: SESSIONS, clock }))
  await send(client, 'orders', ...of('s-1', 'a', 'b'))
  const lost = await accept(client, 's-1')
  expect(lost.sessionLockedUntilUtc).toEqual(new Date(START + 5_000))
  const held = await takeOne(lost)
  expect(held.lockedUntilUtc).toEqual(new Date(START + 5_000))
  await clock.advance(5_000)
  await until(() => lost.isClosed)
  expect(await codeOf(lost.completeMessage(held))).toBe('SessionLockLost')
  expect(await codeOf(lost.renewSessionLock())).toBe('SessionLockLost')
  const again = await accept(client, 's-1')
  expect((await take(again, 2)).map(({ deliveryCount }) => deliveryCount)).toEqual([1, 0])
})

test('a renewed session lock holds, and with it the messages', async () => {
  const clock = fakeClock(START)
  const emulator = await emulate({ queues: SESSIONS, clock })
  const client = connect(emulator)
  await send(client, 'orders', ...of('s-1', 'a'))
  const session = await accept(client, 's-1')
  const held = await takeOne(session)
  await clock.advance(4_000)
  expect(await session.renewSessionLock()).toEqual(new Date(START + 9_000))
  await clock.advance(4_999)
  await session.completeMessage(held)
  expect(emulator.queue('orders').messages()).toEqual([])
})

test('abandon puts a message back at the head of its session', async () => {
  const client = connect(await emulate({ queues: SESSIONS }))
  await send(client, 'orders', ...of('s-1', 'a', 'b'))
  const session = await accept(client, 's-1')
  await session.abandonMessage(await takeOne(session))
  const again = await take(session, 2)
  expect(bodiesOf(again)).toEqual(['a', 'b'])
  expect(again[0]?.deliveryCount).toBe(1)
})

test('the state of a session outlives its receiver', async () => {
  const client = connect(await emulate({ queues: SESSIONS }))
  const first = await accept(client, 's-1')
  expect(await first.getSessionState()).toBeNull()
  await first.setSessionState({ step: 3 })
  await first.close()
  const second = await accept(client, 's-1')
  expect(await second.getSessionState()).toEqual({ step: 3 })
  await second.setSessionState(null)
  expect(await second.getSessionState()).toBeNull()
})

test('a session peeks at its own messages, and takes its deferred ones', async () => {
  const emulator = await emulate({ queues: SESSIONS })
  const client = connect(emulator)
  await send(client, 'orders', ...of('s-1', 'a'), ...of('s-2', 'x'), ...of('s-1', 'b'))
  const session = await accept(client, 's-1')
  expect(bodiesOf(await session.peekMessages(10))).toEqual(['a', 'b'])
  const first = await takeOne(session)
  await session.deferMessage(first)
  const deferred = await takeDeferred(session, first)
  await session.completeMessage(deferred)
  expect(bodiesOf(emulator.queue('orders').messages())).toEqual(['x', 'b'])
})

test('dead letters of sessions are received without one', async () => {
  const client = connect(await emulate({ queues: SESSIONS }))
  await send(client, 'orders', ...of('s-1', 'a'))
  const session = await accept(client, 's-1')
  await session.deadLetterMessage(await takeOne(session), {
    deadLetterReason: 'Broken',
    deadLetterErrorDescription: 'It is broken.',
  })
  expect(await takeOne(deadLettersOf(client, 'orders'))).toMatchObject({ sessionId: 's-1', deadLetterReason: 'Broken' })
})

test('a queue with sessions refuses messages and receivers without one, and the other way round', async () => {
  const emulator = await emulate({ queues: { ...SESSIONS, plain: {} } })
  const client = connect(emulator)
  expect(await codeOf(send(client, 'orders', message('a')))).toBe('GeneralError')
  expect(emulator.queue('orders').messages()).toEqual([])
  expect(await codeOf(take(listen(client, 'orders'), 1))).toBe('GeneralError')
  expect(await codeOf(client.acceptSession('plain', 's-1'))).not.toBe('done')
})

test('a broken connection leaves its session locked until the lock runs out', async () => {
  const clock = fakeClock(START)
  const emulator = await emulate({ queues: SESSIONS, clock })
  const lost = connect(emulator)
  await send(lost, 'orders', ...of('s-1', 'a'))
  await takeOne(await accept(lost, 's-1'))
  emulator.dropConnections()
  const client = connect(emulator)
  expect(await codeOf(accept(client, 's-1'))).toBe('SessionCannotBeLocked')
  await clock.advance(5_000)
  expect(bodiesOf(await take(await accept(client, 's-1'), 1))).toEqual(['a'])
})

test('racing for one session has one winner', async () => {
  const emulator = await emulate({ queues: SESSIONS })
  const clients = Array.from({ length: 5 }, () => connect(emulator))
  const outcomes = await Promise.all(clients.map((client) => codeOf(accept(client, 's-1'))))
  expect(outcomes.sort()).toEqual([
    'SessionCannotBeLocked',
    'SessionCannotBeLocked',
    'SessionCannotBeLocked',
    'SessionCannotBeLocked',
    'done',
  ])
})

test('a session is renewed and settled by its holder alone, whatever happened in between', async () => {
  const clock = fakeClock(START)
  const client = connect(await emulate({ queues: SESSIONS, clock }))
  await send(client, 'orders', ...of('s-1', 'a'))
  const first = await accept(client, 's-1')
  await takeOne(first)
  await clock.advance(5_000)
  await until(() => first.isClosed)
  const second = await accept(client, 's-1')
  expect(await codeOf(first.setSessionState('mine'))).toBe('SessionLockLost')
  expect(await second.getSessionState()).toBeNull()
})

test('a session cannot take what another laid aside', async () => {
  const client = connect(await emulate({ queues: SESSIONS }))
  await send(client, 'orders', ...of('s-1', 'a'))
  const [mine, other] = [await accept(client, 's-1'), await accept(client, 's-2')]
  const held = await takeOne(mine)
  await mine.deferMessage(held)
  expect(await codeOf(takeDeferred(other, held))).toBe('MessageNotFound')
  expect(await codeOf(takeDeferred(mine, held))).toBe('done')
})
