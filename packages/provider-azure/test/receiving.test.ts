import type { Delivery } from '@queue-runtime/core/provider'
import { fakeClock } from '@queue-runtime/core/testing'
import { startSlowWire } from '@queue-runtime/local-server'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createReceiver } from '../src/receiver.ts'
import { randomFrom } from './random.ts'
import { SCALED_TIMEOUT_MS, scaled } from './scale.ts'
import { codeOf, local, never, noneIn, pause, send, sendRaw, take, takeAll, takeRaw, textOf, wire } from './support.ts'

const here = local()

const SEED = Number(process.env.RECEIVE_SEED ?? 20_260_101)

/** A lock that no test reaches the end of. */
const LONG = { lockDurationMs: 120_000 }

/** Receives and gives up after so many milliseconds. */
const receiveFor = async (
  receiver: { receive: ReturnType<ReturnType<typeof here>['open']>['receive'] },
  ms: number,
): Promise<Delivery[]> => {
  const stop = new AbortController()
  const timer = setTimeout(() => stop.abort(new Error('enough')), ms)
  try {
    return await receiver.receive({ maxMessages: 10, waitMs: 60_000, signal: stop.signal })
  } catch {
    return []
  } finally {
    clearTimeout(timer)
  }
}

describe.concurrent('receiving over the wire', () => {
  it(`a receive that is cancelled ${scaled(200)} times strands no message, and spends no delivery, seed ${SEED} (C6)`, {
    timeout: SCALED_TIMEOUT_MS,
  }, async () => {
    const { queue: make, open, look } = here()
    const random = randomFrom(SEED)
    const queue = make(LONG)
    const [transport, sender] = [open(queue), open(queue)]
    const texts = Array.from({ length: scaled(200) }, (_, index) => String(index))
    const deliveries: Delivery[] = []
    for (const text of texts) {
      const receiving = receiveFor(transport, 8 * random())
      const sending = pause(8 * random()).then(() => send(sender, wire(text)))
      deliveries.push(...(await receiving))
      await sending
    }
    deliveries.push(...(await takeAll(transport, texts.length - deliveries.length)))
    expect(deliveries.map(textOf).toSorted()).toEqual(texts.toSorted())
    expect(deliveries.map(({ message }) => message.deliveryCount)).toEqual(texts.map(() => 1))
    await Promise.all(deliveries.map((delivery) => delivery.complete()))
    expect(look(queue).messages()).toEqual([])
  })

  it(`receivers that are closed right after a cancelled receive, ${scaled(20)} times, leave nothing locked, seed ${SEED} (C6, C21)`, {
    timeout: SCALED_TIMEOUT_MS,
  }, async () => {
    const { queue: make, provider, open, look } = here()
    const random = randomFrom(SEED)
    const queue = make({ ...LONG, maxDeliveryCount: 1_000 })
    const sender = open(queue)
    await send(sender, wire('here from the start'))
    const round = async (index: number): Promise<void> => {
      const transport = provider().open(queue)
      const receiving = receiveFor(transport, 20 * random())
      await pause(10 * random())
      await send(sender, wire(String(index)))
      const taken = await receiving
      await Promise.all(taken.map((delivery) => delivery.abandon({ delayMs: 0 })))
      await transport.close()
    }
    for (let index = 0; index < scaled(20); index += 5) {
      await Promise.all([0, 1, 2, 3, 4].map((offset) => round(index + offset)))
    }
    expect(look(queue).messages()).toHaveLength(scaled(20) + 1)
    expect(
      look(queue)
        .messages()
        .filter(({ state }) => state !== 'active'),
    ).toEqual([])
  })

  it('a receive without a wait finds all that is there, as many as it asks for (C4)', async () => {
    const { queue: make, open } = here()
    const queue = make(LONG)
    await send(open(queue), ...Array.from({ length: 700 }, (_, index) => wire(String(index))))
    const transport = open(queue)
    const deliveries = await transport.receive({ maxMessages: 500, waitMs: 0, signal: never })
    expect(deliveries).toHaveLength(500)
    expect(await transport.receive({ maxMessages: 500, waitMs: 0, signal: never })).toHaveLength(200)
    expect(await transport.receive({ maxMessages: 500, waitMs: 0, signal: never })).toEqual([])
  })

  it('one message is not kept waiting for others that could come with it (C5)', async () => {
    const { queue: make, open } = here()
    const queue = make(LONG)
    const transport = open(queue)
    await noneIn(transport)
    const latencies: number[] = []
    for (let count = 0; count < 5; count += 1) {
      const receiving = transport.receive({ maxMessages: 100, waitMs: 20_000, signal: never })
      await pause(50)
      const begun = performance.now()
      await sendRaw(here().tool, queue, { body: 'hello' })
      await receiving
      latencies.push(performance.now() - begun)
    }
    // The SDK itself would take a second each time.
    expect(Math.min(...latencies)).toBeLessThan(500)
  })

  it('after its wait a receive leaves nothing behind that takes messages for long (C4, C6)', async () => {
    const { queue: make, open, tool } = here()
    const queue = make(LONG)
    const transport = open(queue)
    expect(await noneIn(transport, 500)).toBe(true)
    await pause(1_500)
    await sendRaw(tool, queue, { body: 'hello' })
    const { receiver, messages } = await takeRaw(tool, queue)
    expect(messages).toHaveLength(1)
    await receiver.close()
  })

  it('a broker that does not answer a drain costs no message: the link is given up (field-notes 1.5)', async () => {
    const { queue: make, open, emulator, look } = here()
    const queue = make({ lockDurationMs: 5_000 })
    const [transport, sender] = [open(queue), open(queue)]
    const texts = Array.from({ length: 20 }, (_, index) => String(index))
    await send(sender, wire(texts[0] ?? ''))
    const held = await take(transport)
    emulator.inject('drain', { stall: 'before' }, { queue, times: 3 })
    for (let count = 0; count < 4; count += 1) expect(await noneIn(transport)).toBe(true)
    await send(sender, ...texts.slice(1).map((text) => wire(text)))
    const others = await takeAll(transport, 19, 8_000)
    expect([held, ...others].map(textOf).toSorted()).toEqual(texts.toSorted())
    await held.abandon({ delayMs: 0 })
    await Promise.all(others.map((delivery) => delivery.complete()))
    expect(
      look(queue)
        .messages()
        .map(({ state, deliveryCount }) => [state, deliveryCount]),
    ).toEqual([['active', 1]])
  })
})

describe.concurrent('a broker that is far away', () => {
  it.for([[20], [120]] as const)(
    'hands out each message once, all of them locked for somebody, with %i ms on the way to it (field-notes 1.5)',
    async ([delayMs]) => {
      const { emulator, queue: make, open, look } = here()
      const wireThere = await startSlowWire(emulator.port, delayMs)
      onTestFinished(() => wireThere.close())
      const queue = make(LONG)
      const connectionString = emulator.connectionString.replace(`:${emulator.port};`, `:${wireThere.port};`)
      const [transport, sender] = [open(queue, { connectionString }), open(queue)]
      const counts: number[] = []
      const rounds = 3
      for (let round = 0; round < rounds; round += 1) {
        await send(sender, ...Array.from({ length: 15 }, (_, index) => wire(String(index))))
        for (const waitMs of [0, 4_000]) {
          const deliveries = await transport.receive({ maxMessages: 10, waitMs, signal: never })
          counts.push(...deliveries.map(({ message }) => message.deliveryCount))
          await Promise.all(deliveries.map((delivery) => delivery.complete()))
        }
      }
      expect(counts).toEqual(Array(15 * rounds).fill(1))
      expect(look(queue).messages()).toEqual([])
      await transport.close()
    },
  )
})

describe('a receiver and its shelf', () => {
  const clockOf = () => fakeClock(Date.UTC(2026, 0, 1))

  /** A receiver whose looks end when the test says so. */
  const receiverOf = (clock: ReturnType<typeof clockOf>) => {
    const looks: PromiseWithResolvers<Delivery[]>[] = []
    const handedBack: Delivery[] = []
    let atOnce = 0
    let most = 0
    const receiver = createReceiver({
      ...{ queue: 'orders', clock, isExclusive: false, minWaitMs: 0 },
      end: async () => {},
      async draw() {
        atOnce += 1
        most = Math.max(most, atOnce)
        const look = Promise.withResolvers<Delivery[]>()
        looks.push(look)
        return look.promise.finally(() => {
          atOnce -= 1
        })
      },
    })
    const delivery = (brokerMessageId: string): Delivery => {
      const made = {
        message: { brokerMessageId, lockedUntil: new Date(clock.now() + 60_000) },
        abandon: async () => void handedBack.push(made),
      } as unknown as Delivery
      return made
    }
    return { receiver, looks, handedBack, delivery, most: () => most }
  }

  it('never asks the SDK twice at a time, however often it is cancelled (field-notes 1.5)', async () => {
    const { receiver, looks, delivery, most } = receiverOf(clockOf())
    for (let count = 0; count < 10; count += 1) {
      const stop = new AbortController()
      const receiving = receiver.receive({ maxMessages: 1, waitMs: 60_000, signal: stop.signal })
      stop.abort('enough')
      await expect(receiving).rejects.toBe('enough')
    }
    expect(looks).toHaveLength(1)
    const next = receiver.receive({ maxMessages: 1, waitMs: 60_000, signal: never })
    const came = delivery('1')
    looks[0]?.resolve([came])
    expect(await next).toEqual([came])
    expect(most()).toBe(1)
  })

  it('keeps what came late in its order, and hands back on close what nobody took (C6, C21)', async () => {
    const { receiver, looks, delivery, handedBack } = receiverOf(clockOf())
    const stop = new AbortController()
    const receiving = receiver.receive({ maxMessages: 1, waitMs: 60_000, signal: stop.signal })
    stop.abort('enough')
    await receiving.catch(() => {})
    const [one, two, three] = [delivery('1'), delivery('2'), delivery('3')]
    looks[0]?.resolve([one, two, three])
    await pause(0)
    expect(await receiver.receive({ maxMessages: 2, waitMs: 0, signal: never })).toEqual([one, two])
    await receiver.close()
    expect(handedBack).toEqual([three])
    expect(await codeOf(receiver.receive({ maxMessages: 1, waitMs: 0, signal: never }))).toBe('ClientClosed')
  })

  it('gives back what nobody comes for, soon and not at the end of its lock (C6)', async () => {
    const clock = clockOf()
    const { receiver, looks, delivery, handedBack } = receiverOf(clock)
    const cancel = async (): Promise<void> => {
      const stop = new AbortController()
      const receiving = receiver.receive({ maxMessages: 1, waitMs: 60_000, signal: stop.signal })
      stop.abort('enough')
      await receiving.catch(() => {})
    }
    const [one, two, three] = [delivery('1'), delivery('2'), delivery('3')]
    await cancel()
    looks[0]?.resolve([one, two])
    await clock.advance(3_000)
    expect(await receiver.receive({ maxMessages: 1, waitMs: 0, signal: never })).toEqual([one])
    await clock.advance(2_500)
    expect(handedBack).toEqual([two])
    await cancel()
    looks[1]?.resolve([three])
    await clock.advance(4_900)
    expect(handedBack).toEqual([two])
    await clock.advance(200)
    expect(handedBack).toEqual([two, three])
  })

  it('looks itself where it is told not to wait: a look that goes on may have seen less than there is now (C4)', async () => {
    const { receiver, looks, delivery } = receiverOf(clockOf())
    const stop = new AbortController()
    const receiving = receiver.receive({ maxMessages: 1, waitMs: 60_000, signal: stop.signal })
    stop.abort('enough')
    await receiving.catch(() => {})
    const next = receiver.receive({ maxMessages: 1, waitMs: 0, signal: never })
    looks[0]?.resolve([])
    await pause(0)
    const came = delivery('1')
    looks[1]?.resolve([came])
    expect(await next).toEqual([came])
  })

  it('does not hand over what it kept for longer than its lock (C10)', async () => {
    const clock = clockOf()
    const { receiver, looks, delivery } = receiverOf(clock)
    const stop = new AbortController()
    const receiving = receiver.receive({ maxMessages: 1, waitMs: 60_000, signal: stop.signal })
    stop.abort('enough')
    await receiving.catch(() => {})
    looks[0]?.resolve([delivery('1')])
    await pause(0)
    await clock.advance(60_000)
    const next = receiver.receive({ maxMessages: 1, waitMs: 0, signal: never })
    looks[1]?.resolve([])
    expect(await next).toEqual([])
  })

  it('hands back what overtook a message on its way back, and not that message itself (C15)', async () => {
    const { receiver, looks, delivery, handedBack } = receiverOf(clockOf())
    const cancel = async (): Promise<void> => {
      const stop = new AbortController()
      const receiving = receiver.receive({ maxMessages: 1, waitMs: 60_000, signal: stop.signal })
      stop.abort('enough')
      await receiving.catch(() => {})
    }
    const [one, two, three] = [delivery('1'), delivery('2'), delivery('3')]
    await cancel()
    looks[0]?.resolve([two])
    await pause(0)
    await receiver.clearShelf(one)
    expect(handedBack).toEqual([two])
    await cancel()
    await receiver.clearShelf(one)
    looks[1]?.resolve([three])
    await pause(0)
    expect(handedBack).toEqual([two, three])
    await cancel()
    await receiver.clearShelf(one)
    looks[2]?.resolve([one, two])
    await pause(0)
    expect(await receiver.receive({ maxMessages: 2, waitMs: 0, signal: never })).toEqual([one, two])
    expect(handedBack).toEqual([two, three])
  })
})

describe('a connection that breaks', () => {
  it('under a receive gives ConnectionFailed, and the next one works (A11)', async () => {
    const { queue: make, open, emulator } = here()
    const queue = make(LONG)
    const [transport, sender] = [open(queue), open(queue)]
    const receiving = codeOf(transport.receive({ maxMessages: 1, waitMs: 20_000, signal: never }))
    await pause(200)
    emulator.dropConnections()
    expect(await receiving).toBe('ConnectionFailed')
    await expect.poll(() => codeOf(send(sender, wire('hello'))), { timeout: 20_000 }).toBe('done')
    expect(textOf(await take(transport))).toBe('hello')
  })

  it('is no reason for close to hang (C21)', async () => {
    const { queue: make, provider, emulator } = here()
    const queue = make(LONG)
    const transport = provider().open(queue)
    await noneIn(transport)
    const receiving = transport.receive({ maxMessages: 1, waitMs: 20_000, signal: never }).catch(() => [])
    emulator.dropConnections()
    const begun = performance.now()
    await transport.close()
    expect(performance.now() - begun).toBeLessThan(8_000)
    expect(await receiving).toEqual([])
  })
})
