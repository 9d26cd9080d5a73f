import { delay, RetryMode, ServiceBusClient } from '@azure/service-bus'
import { expect, onTestFinished, test } from 'vitest'
import type { Fault, FaultPoint } from '../src/index.ts'
import { bodyOf, codeOf, emulate, listen, message, until } from './support.ts'

const MESSAGES = 300 * Number(process.env.TEST_SCALE ?? 1)
const SEED = 7_310

/** A small generator of numbers from 0 to 1 (mulberry32), so that a run can be repeated. */
const randomFrom = (seed: number): (() => number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const PATIENT = {
  retryOptions: {
    maxRetries: 10,
    retryDelayInMs: 1,
    maxRetryDelayInMs: 10,
    timeoutInMs: 300,
    mode: RetryMode.Exponential,
  },
}

const POINTS: readonly FaultPoint[] = ['send', 'settle', 'deliver', 'attach', 'management']

test(`connections that break at random lose no message (seed ${SEED})`, async () => {
  const random = randomFrom(SEED)
  const emulator = await emulate({ queues: { orders: { lockDurationMs: 300, maxDeliveryCount: 1_000 } } })
  const faults: Fault[] = [{ drop: 'before' }, { drop: 'after' }]
  let strikes = 0
  for (const point of POINTS) {
    emulator.inject(point, () => {
      if (random() > 0.02) return undefined
      strikes += 1
      return faults[Math.floor(random() * faults.length)]
    })
  }
  const connect = (): ServiceBusClient => {
    const client = new ServiceBusClient(emulator.connectionString, PATIENT)
    onTestFinished(() => {
      // The SDK may never end this when a connection broke just before.
      void client.close()
    })
    return client
  }
  const bodies = Array.from({ length: MESSAGES }, (_, index) => `${index}`)
  const sender = connect().createSender('orders')
  const sending = (async () => {
    for (const body of bodies) while ((await codeOf(sender.sendMessages(message(body)))) !== 'done');
  })()
  const received = new Set<string>()
  const receiver = listen(connect(), 'orders')
  let isDone = false
  const receiving = (async () => {
    while (!isDone) {
      const messages = await receiver.receiveMessages(20, { maxWaitTimeInMs: 50 }).catch(() => delay(5).then(() => []))
      for (const held of messages) {
        received.add(bodyOf(held))
        // A settlement by request whose connection breaks holds the SDK for a minute.
        await Promise.race([codeOf(receiver.completeMessage(held)), delay(500)])
      }
    }
  })()
  await sending
  await until(() => received.size === bodies.length && emulator.queue('orders').messages().length === 0)
  isDone = true
  await receiving
  expect(strikes).toBeGreaterThan(10)
  expect(received).toEqual(new Set(bodies))
  expect(emulator.queue('orders').deadLetters()).toEqual([])
})
