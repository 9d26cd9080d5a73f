import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net'
import { delay, ServiceBusClient } from '@azure/service-bus'
import { expect, onTestFinished, test } from 'vitest'
import { startServiceBusEmulator } from '../src/index.ts'
import {
  bodiesOf,
  bodyOf,
  codeOf,
  connect,
  emulate,
  IMPATIENT,
  listen,
  look,
  message,
  send,
  takeOne,
  until,
} from './support.ts'

test('a receiver whose connection broke takes no message any more', async () => {
  const emulator = await emulate({ queues: ['orders'] })
  const client = connect(emulator)
  const gone = codeOf(listen(connect(emulator), 'orders').receiveMessages(10, { maxWaitTimeInMs: 20_000 }))
  await until(() => emulator.connections === 1)
  await delay(100)
  emulator.dropConnections()
  await gone
  await send(client, 'orders', message('a'))
  expect(
    emulator
      .queue('orders')
      .messages()
      .map(({ state }) => state),
  ).toEqual(['active'])
  expect(bodyOf(await takeOne(listen(client, 'orders')))).toBe('a')
})

/** A wire between client and server that can be cut, as a network does it: neither of them has a say. */
async function wireTo(port: number): Promise<{ readonly port: number; cut(): void }> {
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    const far = createConnection({ port, host: '127.0.0.1' })
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from)
      from.on('error', () => {})
      from.pipe(to)
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  onTestFinished(cut)
  return { port: (server.address() as AddressInfo).port, cut }
}

test('whoever waited for a session on a wire that was cut gets none', async () => {
  const emulator = await emulate({ queues: { orders: { requiresSession: true } } })
  const wire = await wireTo(emulator.port)
  const lost = new ServiceBusClient(emulator.connectionString.replace(`:${emulator.port}`, `:${wire.port}`), IMPATIENT)
  let waits = 0
  emulator.inject('attach', () => {
    waits += 1
    return undefined
  })
  void codeOf(lost.acceptNextSession('orders'))
  await until(() => waits === 1)
  wire.cut()
  await until(() => emulator.connections === 0)
  const client = connect(emulator)
  await send(client, 'orders', message('a', { sessionId: 's-1' }))
  expect((await client.acceptSession('orders', 's-1')).sessionId).toBe('s-1')
})

test('what a receiver holds when its connection breaks is locked until the lock runs out', async () => {
  const emulator = await emulate({ queues: ['orders'] })
  const lost = connect(emulator)
  await send(lost, 'orders', message('a'))
  await takeOne(listen(lost, 'orders'))
  emulator.dropConnections()
  expect(await look(listen(connect(emulator), 'orders'))).toEqual([])
  expect(
    emulator
      .queue('orders')
      .messages()
      .map(({ state, deliveryCount }) => [state, deliveryCount]),
  ).toEqual([['locked', 0]])
})

test('clients connect again by themselves', async () => {
  const emulator = await emulate({ queues: ['orders'] })
  const client = connect(emulator)
  const sender = client.createSender('orders')
  const received: string[] = []
  const subscription = listen(client, 'orders').subscribe({
    processMessage: async (got) => void received.push(bodyOf(got)),
    processError: async () => {},
  })
  for (const body of ['a', 'b', 'c']) {
    await sender.sendMessages(message(body))
    await until(() => received.includes(body))
    emulator.dropConnections()
    await delay(100)
  }
  await subscription.close()
  expect(received).toEqual(['a', 'b', 'c'])
})

test('sends, requests and attaches take milliseconds, not the 40 ms of a delayed acknowledgement', async () => {
  const emulator = await emulate({ queues: ['orders'] })
  const client = connect(emulator)
  const receiver = listen(client, 'orders')
  await receiver.peekMessages(1)
  const started = performance.now()
  for (let round = 0; round < 50; round += 1) await receiver.peekMessages(1)
  expect((performance.now() - started) / 50).toBeLessThan(20)
})

test('what is no AMQP ends its own connection only', async () => {
  const emulator = await emulate({ queues: ['orders'] })
  const client = connect(emulator)
  await send(client, 'orders', message('a'))
  const socket = createConnection({ port: emulator.port, host: '127.0.0.1' })
  socket.on('error', () => {})
  socket.write('GET / HTTP/1.1\r\n\r\n')
  await new Promise((resolve) => socket.once('close', resolve))
  await send(client, 'orders', message('b'))
  expect(bodiesOf(emulator.queue('orders').messages())).toEqual(['a', 'b'])
})

test('two emulators share nothing, each on a free port', async () => {
  const [one, two] = [await emulate({ queues: ['orders'] }), await emulate({ queues: ['orders'] })]
  await send(connect(one), 'orders', message('a'))
  expect(one.port).not.toBe(two.port)
  expect(two.queue('orders').messages()).toEqual([])
})

test('close ends all connections and frees the port, and may be called again', async () => {
  const emulator = await startServiceBusEmulator({ queues: ['orders'] })
  const client = new ServiceBusClient(emulator.connectionString)
  await send(client, 'orders', message('a'))
  await emulator.close()
  await emulator.close()
  // The SDK does not end this while its server is away.
  void client.close()
  const again = await emulate({ queues: ['orders'], port: emulator.port })
  expect(again.port).toBe(emulator.port)
})

test('a queue can be added later, under options of its own', async () => {
  const emulator = await emulate({ queues: ['orders'] })
  const client = connect(emulator)
  const jobs = emulator.addQueue('jobs', { maxDeliveryCount: 1 })
  await send(client, 'Jobs', message('a'))
  const receiver = listen(client, 'jobs')
  await receiver.abandonMessage(await takeOne(receiver))
  expect(bodiesOf(jobs.deadLetters())).toEqual(['a'])
  expect(() => emulator.queue('missing')).toThrow(RangeError)
})

test.each([
  [{ queues: { orders: { lockDurationMs: 0 } } }, 'lockDurationMs'],
  [{ queues: { orders: { lockMs: 5 } as object } }, 'lockMs'],
  [{ queues: ['or ders'] }, 'queues'],
  [{ queues: ['orders'], port: 70_000 }, 'port'],
  [{} as { queues: string[] }, 'queues'],
])('options that cannot be are refused with their name: %o', async (options, name) => {
  await expect(startServiceBusEmulator(options)).rejects.toThrow(name)
})
