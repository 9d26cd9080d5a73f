import { delay, RetryMode, type ServiceBusClientOptions } from '@azure/service-bus'
import { fakeClock } from '@queue-runtime/core/testing'
import { expect, test } from 'vitest'
import { CONDITION, type FaultEvent } from '../src/index.ts'
import {
  bodiesOf,
  bodyOf,
  codeOf,
  connect,
  emulate,
  listen,
  look,
  message,
  START,
  send,
  take,
  takeOne,
  until,
} from './support.ts'

const RETRYING: ServiceBusClientOptions = {
  retryOptions: {
    maxRetries: 2,
    retryDelayInMs: 1,
    maxRetryDelayInMs: 1,
    timeoutInMs: 500,
    mode: RetryMode.Exponential,
  },
}

/** What the SDK makes of each condition, and how often it asked with two retries. */
const CODES: readonly [condition: string, code: string, attempts: number, description?: string][] = [
  [CONDITION.notFound, 'MessagingEntityNotFound', 1, "The messaging entity 'orders' could not be found."],
  [CONDITION.serverBusy, 'ServiceBusy', 3],
  [CONDITION.timeout, 'ServiceTimeout', 3],
  [CONDITION.internalError, 'GeneralError', 3],
  [CONDITION.unauthorized, 'UnauthorizedAccess', 3],
  [CONDITION.operationCancelled, 'GeneralError', 3],
  [CONDITION.detachForced, 'GeneralError', 3],
  [CONDITION.resourceLimitExceeded, 'QuotaExceeded', 1],
  [CONDITION.entityDisabled, 'MessagingEntityDisabled', 1],
  [CONDITION.messageTooLarge, 'MessageSizeExceeded', 1],
  [CONDITION.notAllowed, 'GeneralError', 1],
  [CONDITION.messageLockLost, 'MessageLockLost', 1],
  [CONDITION.sessionLockLost, 'SessionLockLost', 1],
  [CONDITION.sessionCannotBeLocked, 'SessionCannotBeLocked', 1],
  [CONDITION.messageNotFound, 'MessageNotFound', 1],
]

test.each(CODES)(
  'a send that is refused with %s fails with %s after %i attempts',
  async (error, code, attempts, description) => {
    const emulator = await emulate({ queues: ['orders'] })
    const sender = connect(emulator, RETRYING).createSender('orders')
    let asked = 0
    emulator.inject('send', () => {
      asked += 1
      return description === undefined ? { error } : { error, description }
    })
    expect(await codeOf(sender.sendMessages(message('a')))).toBe(code)
    expect(asked).toBe(attempts)
    expect(emulator.queue('orders').messages()).toEqual([])
  },
)

test('an unknown queue is told apart: for senders, receivers and requests', async () => {
  const client = connect(await emulate({ queues: ['orders'] }))
  const refused = [
    codeOf(send(client, 'missing', message('a'))),
    codeOf(take(listen(client, 'missing'), 1)),
    codeOf(listen(client, 'missing').peekMessages(1)),
    codeOf(client.acceptNextSession('missing')),
  ]
  expect(await Promise.all(refused)).toEqual(Array(4).fill('MessagingEntityNotFound'))
  // Whatever speaks against a session that is asked for by name, the SDK calls it locked.
  expect(await codeOf(client.acceptSession('missing', 's-1'))).toBe('SessionCannotBeLocked')
})

test('an error on attach is told on first use, as often as it was injected', async () => {
  const emulator = await emulate({ queues: ['orders'] })
  const client = connect(emulator)
  emulator.inject('attach', { error: CONDITION.serverBusy }, { queue: 'ORDERS', times: 1 })
  expect(await codeOf(send(client, 'orders', message('a')))).toBe('ServiceBusy')
  expect(await codeOf(send(client, 'orders', message('a')))).toBe('done')
})

test('an error on settling leaves the message locked', async () => {
  const emulator = await emulate({ queues: ['orders'] })
  const client = connect(emulator)
  await send(client, 'orders', message('a'))
  const receiver = listen(client, 'orders')
  const held = await takeOne(receiver)
  emulator.inject('settle', { error: CONDITION.internalError }, { operation: 'complete', times: 1 })
  expect(await codeOf(receiver.completeMessage(held))).toBe('GeneralError')
  expect(emulator.queue('orders').messages()[0]?.state).toBe('locked')
})

test('an error on a request is told', async () => {
  const emulator = await emulate({ queues: ['orders'] })
  const client = connect(emulator)
  emulator.inject('management', { error: CONDITION.serverBusy }, { operation: 'peek-message', times: 1 })
  const receiver = listen(client, 'orders')
  expect(await codeOf(receiver.peekMessages(1))).toBe('ServiceBusy')
  expect(await receiver.peekMessages(1)).toEqual([])
})

test('a connection that breaks before a message is stored loses nothing: the SDK sends it again', async () => {
  const emulator = await emulate({ queues: ['orders'] })
  emulator.inject('send', { drop: 'before' }, { times: 1 })
  await connect(emulator, RETRYING).createSender('orders').sendMessages(message('a'))
  expect(bodiesOf(emulator.queue('orders').messages())).toEqual(['a'])
})

test('a connection that breaks after a message was stored doubles it, under one id', async () => {
  const emulator = await emulate({ queues: { orders: {}, once: { duplicateDetectionMs: 60_000 } } })
  const client = connect(emulator, RETRYING)
  for (const queue of ['orders', 'once']) {
    emulator.inject('send', { drop: 'after' }, { times: 1 })
    await client.createSender(queue).sendMessages(message('a', { messageId: 'same' }))
  }
  expect(
    emulator
      .queue('orders')
      .messages()
      .map(({ messageId }) => messageId),
  ).toEqual(['same', 'same'])
  expect(emulator.queue('once').messages()).toHaveLength(1)
})

test('a stall leaves the client to its own timeout', async () => {
  const emulator = await emulate({ queues: ['orders'] })
  const client = connect(emulator, { retryOptions: { maxRetries: 0, timeoutInMs: 300 } })
  const sender = client.createSender('orders')
  emulator.inject('send', { stall: 'before' }, { times: 1 })
  expect(await codeOf(sender.sendMessages(message('never stored')))).toBe('ServiceTimeout')
  emulator.inject('send', { stall: 'after' }, { times: 1 })
  expect(await codeOf(sender.sendMessages(message('stored')))).toBe('ServiceTimeout')
  expect(bodiesOf(emulator.queue('orders').messages())).toEqual(['stored'])
})

test('a delay goes by the clock of the emulator', async () => {
  const clock = fakeClock(START)
  const emulator = await emulate({ queues: ['orders'], clock })
  const client = connect(emulator)
  emulator.inject('send', { delayMs: 1_000 }, { times: 1 })
  let isSent = false
  const sending = send(client, 'orders', message('a')).then(() => {
    isSent = true
  })
  await delay(100)
  await clock.advance(999)
  expect([isSent, emulator.queue('orders').messages().length]).toEqual([false, 0])
  await clock.advance(1)
  await sending
  expect(emulator.queue('orders').messages()).toHaveLength(1)
})

test('a connection that breaks when a message is settled leaves in doubt whether it was', async () => {
  const emulator = await emulate({ queues: ['orders'] })
  const client = connect(emulator)
  await send(client, 'orders', message('a'), message('b'))
  const receiver = listen(client, 'orders')
  const [first, second] = await take(receiver, 2)
  if (first === undefined || second === undefined) throw new Error('There are no two messages.')
  emulator.inject('settle', { drop: 'after' }, { times: 1 })
  expect(await codeOf(receiver.completeMessage(first))).not.toBe('done')
  expect(bodiesOf(emulator.queue('orders').messages())).toEqual(['b'])
  // Without a link the SDK settles by a request.
  await until(() => emulator.connections === 0)
  await delay(50)
  await receiver.completeMessage(second)
  expect(emulator.queue('orders').messages()).toEqual([])
})

test('without an answer to a drain the receiver still gets its messages', async () => {
  const emulator = await emulate({ queues: ['orders'] })
  const client = connect(emulator)
  const receiver = listen(client, 'orders')
  emulator.inject('drain', { stall: 'before' })
  expect(await look(receiver)).toEqual([])
  await send(client, 'orders', message('a'))
  expect(bodyOf(await takeOne(receiver))).toBe('a')
})

test('a delivery that is lost on its way stays locked', async () => {
  const emulator = await emulate({ queues: ['orders'] })
  const client = connect(emulator)
  await send(client, 'orders', message('a'))
  emulator.inject('deliver', { stall: 'before' }, { times: 1 })
  expect(await look(listen(client, 'orders'))).toEqual([])
  expect(emulator.queue('orders').messages()[0]?.state).toBe('locked')
})

test('a fault can be chosen by what happens, and taken back', async () => {
  const emulator = await emulate({ queues: ['orders', 'jobs'] })
  const client = connect(emulator)
  const seen: FaultEvent[] = []
  const remove = emulator.inject('send', (event) => {
    seen.push(event)
    return seen.length === 2 ? { error: CONDITION.serverBusy } : undefined
  })
  const codes: string[] = []
  for (const queue of ['orders', 'jobs', 'orders']) codes.push(await codeOf(send(client, queue, message('a'))))
  remove()
  await send(client, 'orders', message('a'))
  expect(codes).toEqual(['done', 'ServiceBusy', 'done'])
  expect(seen.map(({ queue }) => queue)).toEqual(['orders', 'jobs', 'orders'])
})

test('a fault that cannot be is refused with the name of the option', async () => {
  const emulator = await emulate({ queues: ['orders'] })
  expect(() => emulator.inject('sned' as 'send', { error: 'x' })).toThrow('point')
  expect(() => emulator.inject('send', { error: 'x' }, { times: 0 })).toThrow('times')
})
