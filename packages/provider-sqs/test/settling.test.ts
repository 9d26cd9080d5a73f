import type { Delivery } from '@queue-runtime/core/provider'
import { fakeClock } from '@queue-runtime/core/testing'
import { describe, expect, it, vi } from 'vitest'
import { createCoalescer } from '../src/coalescing.ts'
import { createDelivery } from '../src/delivery.ts'
import { rawMessage } from '../src/raw-message.ts'
import { createSettling, type Settling } from '../src/settling.ts'
import { type Local, local, never, noneIn, take, takeAll, textOf, wire } from './support.ts'

const here = local()
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

const fill = async (
  { open, queue: make }: Local,
  count: number,
  fifo = false,
): Promise<{ queue: string; deliveries: Delivery[] }> => {
  const queue = await make({ fifo })
  const transport = open(queue)
  const messages = Array.from({ length: count }, (_, index) =>
    wire(String(index), fifo ? { sessionId: `s${index}` } : {}),
  )
  await transport.send(messages, { signal: never })
  return { queue, deliveries: await takeAll(transport, count) }
}

const callsTo = ({ sqs, nameOf }: Local, queue: string, action: string) =>
  sqs.calls.filter((call) => call.queue === nameOf(queue) && call.action === action)

describe('settlements of the same few milliseconds', () => {
  it('are one call for ten messages, of every kind (PS6)', async () => {
    const { queue, deliveries } = await fill(here(), 25)
    await Promise.all(deliveries.map((delivery) => delivery.renewLock()))
    await Promise.all(deliveries.map((delivery, index) => pause(index % 2).then(() => delivery.complete())))
    expect(callsTo(here(), queue, 'ChangeMessageVisibilityBatch')).toHaveLength(3)
    expect(callsTo(here(), queue, 'DeleteMessageBatch').length).toBeLessThanOrEqual(4)
  })

  it('wait two milliseconds for each other, and not longer', async () => {
    vi.useFakeTimers()
    try {
      const runs: number[][] = []
      const coalescer = createCoalescer<number>(async (entries) => {
        runs.push([...entries])
        return entries.map(() => null)
      })
      const first = coalescer.add(1)
      await vi.advanceTimersByTimeAsync(1)
      const second = coalescer.add(2)
      await vi.advanceTimersByTimeAsync(1)
      await Promise.all([first, second])
      const third = coalescer.add(3)
      await vi.advanceTimersByTimeAsync(2)
      await third
      expect(runs).toEqual([[1, 2], [3]])
    } finally {
      vi.useRealTimers()
    }
  })

  it('fail one by one: each message is told of its own (PS4)', async () => {
    const { queue, deliveries } = await fill(here(), 8)
    const { sqs, open } = here()
    sqs.inject(() => ({
      kind: 'entries',
      code: 'InternalError',
      senderFault: false,
      spared: (index) => index % 3 !== 0,
    }))
    const outcomes = await Promise.allSettled(deliveries.map((delivery) => delivery.complete()))
    expect(outcomes.map(({ status }) => status === 'fulfilled')).toEqual(
      [0, 1, 2, 3, 4, 5, 6, 7].map((index) => index % 3 !== 0),
    )
    const [first] = deliveries
    expect(outcomes[0]).toMatchObject({
      reason: { code: 'ProviderError', isTransient: true, messageId: first?.message.messageId },
    })
    sqs.inject()
    await Promise.all(deliveries.filter((_, index) => index % 3 === 0).map((delivery) => delivery.complete()))
    expect(await here().sqs.count(queue)).toEqual({ visible: 0, held: 0 })
    expect(await noneIn(open(queue))).toBe(true)
  })

  it('may be tried again after the connection was cut (design.md)', async () => {
    const { queue, deliveries } = await fill(here(), 1)
    const { sqs } = here()
    for (const when of ['before', 'amid'] as const) {
      sqs.inject(() => ({ kind: 'cut', when }))
      await expect(deliveries[0]?.complete()).rejects.toMatchObject({ code: 'ConnectionFailed' })
    }
    sqs.inject()
    await deliveries[0]?.complete()
    expect(await sqs.count(queue)).toEqual({ visible: 0, held: 0 })
  })
})

describe.for([
  ['a standard queue', false, false],
  ['a standard queue that honours deletes of former holders', false, true],
  ['a FIFO queue', true, false],
] as const)('a lock that was lost on %s', ([, fifo, isHonoured]) => {
  it('is reported, and the message of the new owner stays (C10, PS13, edge case 2)', async () => {
    const { sqs, open, queue: make, nameOf } = here()
    if (isHonoured) sqs.honourLateDeletes()
    const queue = await make({ fifo })
    await open(queue).send([wire('work', fifo ? { sessionId: 's' } : {})], { signal: never })
    const old = await take(open(queue, { lockMs: 1_000 }))
    await pause(1_100)
    const current = await take(open(queue))
    const asked = sqs.calls.length
    for (const settle of [
      () => old.complete(),
      () => old.abandon({ delayMs: 0 }),
      () => old.deadLetter({ reason: 'r' }),
      () => old.renewLock(),
    ]) {
      await expect(settle()).rejects.toMatchObject({ code: 'MessageLockLost' })
    }
    // Nothing was asked of SQS: it might have done it.
    expect(sqs.calls).toHaveLength(asked)
    expect(await sqs.count(nameOf(queue))).toEqual({ visible: 0, held: 1 })
    await current.complete()
    expect(await sqs.count(nameOf(queue))).toEqual({ visible: 0, held: 0 })
  })
})

describe('a lock that SQS ended before its time', () => {
  it('is reported as lost by what SQS answers (PS13)', async () => {
    const { sqs, open, queue: make } = here()
    const queue = await make({ fifo: true })
    await open(queue).send([wire('work', { sessionId: 's' })], { signal: never })
    const clock = fakeClock(Date.now())
    const old = await take(open(queue, { lockMs: 1_000, clock }))
    await pause(1_100)
    const current = await take(open(queue))
    for (const settle of [() => old.complete(), () => old.abandon({ delayMs: 0 }), () => old.renewLock()]) {
      await expect(settle()).rejects.toMatchObject({ code: 'MessageLockLost' })
    }
    expect(textOf(current)).toBe('work')
    expect(await sqs.count(`${queue}.fifo`)).toEqual({ visible: 0, held: 1 })
  })
})

it('a client tells the handler that its lock is lost, and leaves the message to the new owner (S12, edge case 3)', async () => {
  const { sqs, client, open, queue: make } = here()
  const queue = await make()
  const owner = client(queue, {}, { lockMs: 1_000 })
  await owner.send({ body: 'work' })
  const told = Promise.withResolvers<unknown>()
  const taken = Promise.withResolvers<Delivery>()
  const consumer = owner.consume(
    async (_, { signal }) => {
      signal.addEventListener('abort', () => told.resolve(signal.reason), { once: true })
      await taken.promise
    },
    { maxAutoRenewMs: 0 },
  )
  expect(await told.promise).toMatchObject({ code: 'MessageLockLost' })
  const closing = consumer.close()
  taken.resolve(await take(open(queue)))
  await closing
  const current = await taken.promise
  expect(await sqs.count(queue)).toEqual({ visible: 0, held: 1 })
  await current.complete()
})

describe('a delivery', () => {
  const parts = (settling: Partial<Settling>, clock = fakeClock(0)) => ({
    ...{ queue: 'q', lockMs: 30_000, clock, bury: async () => {}, origin: { isFifo: false, isDeadLetters: false } },
    settling: { delete: async () => {}, hold: async () => {}, ...settling },
  })

  it('is renewed for twelve hours in all, and not beyond (PS6)', async () => {
    const clock = fakeClock(0)
    const asked: number[] = []
    const hold = async (_: unknown, seconds: number): Promise<void> => void asked.push(seconds)
    const delivery = createDelivery(rawMessage({}), parts({ hold }, clock))
    for (let half = 0; half < 2_879; half += 1) {
      await clock.advance(15_000)
      await delivery.renewLock()
    }
    expect(asked.slice(0, 2_878).every((seconds) => seconds === 30)).toBe(true)
    expect(asked.at(-1)).toBe(15)
    expect(delivery.message.lockedUntil.getTime()).toBe(43_200_000)
    await clock.advance(14_500)
    await expect(delivery.renewLock()).rejects.toMatchObject({ code: 'MessageLockLost' })
  })

  it('waits as long as it is told when it is given back, in whole seconds and within twelve hours (PS6)', async () => {
    const asked: number[] = []
    const hold = async (_: unknown, seconds: number): Promise<void> => void asked.push(seconds)
    for (const delayMs of [0, 1, 1_000, 1_001, 90_000_000])
      await createDelivery(rawMessage({}), parts({ hold })).abandon({ delayMs })
    expect(asked).toEqual([0, 1, 1, 2, 43_200])
  })

  it('whose lock ends before its batch goes is not asked for (C10)', async () => {
    let asked = 0
    const call = async (): Promise<never> => {
      asked += 1
      throw new Error('SQS was asked.')
    }
    const address = { name: 'q', url: undefined, owner: undefined, isFifo: false }
    const clock = fakeClock(0)
    const delivery = createDelivery(
      rawMessage({ ReceiptHandle: 'r' }),
      parts(createSettling('q', { address, call }), clock),
    )
    const completing = delivery.complete()
    await clock.advance(30_000)
    await expect(completing).rejects.toMatchObject({ code: 'MessageLockLost' })
    expect(asked).toBe(0)
  })
})
