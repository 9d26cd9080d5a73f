import { type ConsumeOptions, type MessageHandler, QueueError } from '@queue-runtime/core'
import type { Delivery, QueueProvider } from '@queue-runtime/core/provider'
import type { NonceStore } from '@queue-runtime/crypto'
import { describe, expect, it } from 'vitest'
import { createRandom } from './random.ts'
import { copyOf, LOCK_MS, minutes, type Scene, setScene } from './replay-support.ts'

const down = async (): Promise<never> => {
  throw new Error('down')
}

/** Resolves when the signal aborts. */
const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })

const codeOf = ({ reason }: AbortSignal): unknown => (reason instanceof QueueError ? reason.code : reason)

const leftIn = ({ queue }: Pick<Scene, 'queue'>): [messages: number, letters: number, locked: number] => [
  queue.messages().length,
  queue.deadLetters().length,
  queue.messages().filter(({ state }) => state === 'locked').length,
]

const EMPTY = [0, 0, 0]

/** A scene with messages in it, and a consumer of them. */
const running = async (
  handler: MessageHandler,
  options: ConsumeOptions & { count?: number; nonceStore?: (store: NonceStore) => NonceStore } = {},
) => {
  const { count = 1, nonceStore = (store) => store, ...consuming } = options
  const scene = setScene()
  const mine = scene.client({ nonceStore: nonceStore(scene.nonceStore) })
  const sessionId = consuming.sessions ? { sessionId: 's' } : {}
  for (let index = 0; index < count; index += 1) await scene.client().send({ body: String(index), ...sessionId })
  return { ...scene, mine, consumer: mine.consume(handler, consuming) }
}

describe.each([{ sessions: false }, { sessions: true }])(
  'a sealed message that is worked on ($sessions)',
  (options) => {
    it('keeps its claim for as long as its lock is kept: a copy is never handled (edge case 20, attack 19)', async () => {
      const done = Promise.withResolvers<void>()
      const handled: string[] = []
      const scene = await running(
        async (message) => {
          handled.push(message.text())
          await done.promise
        },
        { ...options, maxAutoRenewMs: minutes(30) },
      )
      const copy = copyOf(scene.queue)
      await scene.clock.advance(1_000)
      for (let copies = 0; copies < 25; copies += 1) {
        scene.queue.put({ ...copy, sessionId: undefined })
        await scene.clock.advance(minutes(1))
      }
      const other = scene.client().consume((message) => void handled.push(message.text()))
      scene.queue.put(copy)
      await scene.clock.advance(minutes(1))
      expect(handled).toEqual(['0'])
      done.resolve()
      await scene.clock.advance(minutes(2))
      expect(handled).toEqual(['0'])
      await Promise.all([scene.consumer.close(), other.close()])
      expect(scene.queue.messages().filter(({ state }) => state === 'locked')).toEqual([])
    })

    it('whose claim is lost tells its handler, and is not completed at the broker (protocol.md 5)', async () => {
      const codes: unknown[] = []
      let isStolen = false
      const scene = await running(
        async (_, { signal }) => {
          await aborted(signal)
          codes.push(codeOf(signal))
        },
        {
          ...options,
          nonceStore: (store) => ({
            ...store,
            renew: async (...call) => (isStolen ? 'lost' : store.renew(...call)),
            confirm: async (...call) => (isStolen ? 'lost' : store.confirm(...call)),
            release: async (...call) => (isStolen ? 'lost' : store.release(...call)),
          }),
        },
      )
      await scene.clock.advance(1_000)
      isStolen = true
      await scene.clock.advance(minutes(3))
      expect(new Set(codes)).toEqual(new Set(['MessageLockLost']))
      expect(scene.queue.messages()).toHaveLength(1)
      await Promise.all([scene.consumer.close(), scene.clock.advance(minutes(1))])
    })

    it('waits with its completion for the nonce store: it is handled once and delivered once (protocol.md 5)', async () => {
      let isDown = false
      const counts: number[] = []
      const scene = await running(
        async ({ deliveryCount }) => {
          counts.push(deliveryCount)
          isDown = true
        },
        {
          ...options,
          nonceStore: (store) => ({
            ...store,
            confirm: async (...call) => (isDown ? down() : store.confirm(...call)),
            renew: async (...call) => (isDown ? down() : store.renew(...call)),
          }),
        },
      )
      await scene.clock.advance(minutes(3))
      expect([counts, leftIn(scene)]).toEqual([[1], [1, 0, 1]])
      isDown = false
      await scene.clock.advance(minutes(1))
      expect([counts, leftIn(scene), scene.refusals()]).toEqual([[1], EMPTY, []])
      await scene.consumer.close()
    })

    it('is free for others as soon as it is taken away from a handler that is stuck (C21)', async () => {
      const scene = await running(() => new Promise(() => {}), { ...options, drainMs: 1_000 })
      await scene.clock.advance(1_000)
      await Promise.all([scene.consumer.close(), scene.clock.advance(1_000)])
      const handled: string[] = []
      const next = scene.client().consume((message) => void handled.push(message.text()), options)
      await scene.clock.advance(0)
      expect([handled, scene.refusals(), leftIn(scene)]).toEqual([['0'], [], EMPTY])
      await next.close()
    })

    it('that outlives its lock is confirmed by one of its two handlers only', async () => {
      const confirmed: string[] = []
      const scene = await running(() => scene.clock.sleep(minutes(7)), {
        ...options,
        maxAutoRenewMs: 0,
        nonceStore: (store) => ({
          ...store,
          async confirm(...call) {
            const answer = await store.confirm(...call)
            confirmed.push(answer)
            return answer
          },
        }),
      })
      const other = scene.client().consume(() => scene.clock.sleep(minutes(3)), options)
      await scene.clock.advance(minutes(20))
      expect(leftIn(scene)).toEqual(EMPTY)
      expect(confirmed).not.toContain('ok')
      await Promise.all([scene.consumer.close(), other.close()])
    })

    it('that an outage of the nonce store holds leaves neither lock nor claim when all closes (C21)', async () => {
      let isDown = true
      const scene = await running(() => {}, {
        ...options,
        count: 3,
        concurrency: 3,
        nonceStore: (store) => ({ ...store, claim: async (requests) => (isDown ? down() : store.claim(requests)) }),
      })
      await scene.clock.advance(10_000)
      expect(scene.consumer.state).toBe('paused')
      await scene.consumer.close()
      expect(leftIn(scene)).toEqual([3, 0, 0])
      isDown = false
      const handled: string[] = []
      const next = scene.client().consume((message) => void handled.push(message.text()), options)
      await scene.clock.advance(0)
      expect([handled.toSorted(), leftIn(scene)]).toEqual([['0', '1', '2'], EMPTY])
      await Promise.all([next.close(), scene.mine.close()])
    })
  },
)

describe('closing under load', () => {
  it.each([
    [11, false],
    [12, false],
    [13, true],
    [14, true],
  ])('leaves no message locked and none claimed (C21, issue 4); seed %i, sessions %s', async (seed, sessions) => {
    const random = createRandom(seed)
    const scene = setScene()
    const { clock } = scene
    const handled = new Map<string, number>()
    const handler: MessageHandler = async (message) => {
      await clock.sleep(random.below(500))
      if (random.chance(0.1)) throw new Error('failed')
      handled.set(message.messageId, (handled.get(message.messageId) ?? 0) + 1)
    }
    for (let count = 0; count < 300; count += 1) {
      const sessionId = sessions ? { sessionId: `s-${random.below(12)}` } : {}
      await scene.client().send({ body: String(count), ...sessionId })
    }
    for (let round = 0; round < 30; round += 1) {
      const clients = [scene.client(), scene.client()]
      const consumers = clients.map((client) =>
        client.consume(handler, { sessions, concurrency: 1 + random.below(6), drainMs: 500 }),
      )
      await clock.advance(random.below(2_000))
      const closing = Promise.all(
        random.chance(0.5) ? consumers.map((one) => one.close()) : clients.map((one) => one.close()),
      )
      await clock.advance(1_000)
      await closing
      expect(leftIn(scene)[2]).toBe(0)
    }
    const last = scene.client().consume(handler, { sessions, concurrency: 8 })
    await clock.advance(minutes(10))
    await Promise.all([last.close(), clock.advance(1_000)])
    // What was given back was free at once: nobody was told that it is being handled elsewhere.
    expect(scene.refusals()).toEqual([])
    expect(leftIn(scene)).toEqual(EMPTY)
    expect([...handled.values()].every((count) => count === 1)).toBe(true)
    expect(handled.size).toBe(300)
  })
})

describe('sealed deliveries that a host pushed', () => {
  /** What a host hands over: it has received for the client. */
  const pushed = async (count: number) => {
    const scene = setScene()
    let provider: QueueProvider | undefined
    const host = scene.client({}, (memory) => {
      provider = memory
      return memory
    })
    await scene.client().sendBatch(Array.from({ length: count }, (_, index) => ({ body: String(index) })))
    const receive = async (): Promise<Delivery[]> => {
      const { signal } = new AbortController()
      return (await provider?.open('orders').receive({ maxMessages: count, waitMs: 0, signal })) ?? []
    }
    return { ...scene, host, receive }
  }

  it('are opened, claimed, handled and completed; pushed again they are not handled again (attack 18)', async () => {
    const scene = await pushed(3)
    const handled: string[] = []
    const deliveries = await scene.receive()
    const lost = deliveries.map((delivery, index) => (index === 1 ? { ...delivery, complete: down } : delivery))
    const processing = scene.host.process(lost, (message) => void handled.push(message.text()), { concurrency: 3 })
    await scene.clock.advance(minutes(6))
    await processing
    expect(scene.queue.messages()).toHaveLength(1)
    await scene.host.process(await scene.receive(), (message) => void handled.push(message.text()))
    expect([handled, scene.refusals(), leftIn(scene)]).toEqual([
      ['0', '1', '2'],
      ['NonceReused completed: complete'],
      EMPTY,
    ])
  })

  it('go back without a claim when the host aborts (C6)', async () => {
    const scene = await pushed(4)
    const stop = new AbortController()
    const processing = scene.host.process(await scene.receive(), () => new Promise(() => {}), {
      signal: stop.signal,
      concurrency: 2,
    })
    const thrown = processing.catch((error: unknown) => error)
    await scene.clock.advance(LOCK_MS * 2)
    stop.abort(new Error('the host freezes'))
    expect(await thrown).toMatchObject({ message: 'the host freezes' })
    expect(leftIn(scene)).toEqual([4, 0, 0])
    const handled: string[] = []
    await scene.host.process(await scene.receive(), (message) => void handled.push(message.text()))
    expect([handled, scene.refusals(), leftIn(scene)]).toEqual([['0', '1', '2', '3'], [], EMPTY])
  })

  it('whose claim is lost while they are handled are not completed, and their handler is told', async () => {
    const scene = await pushed(1)
    let isStolen = false
    const { nonceStore } = scene
    const client = scene.client({
      nonceStore: {
        ...nonceStore,
        renew: async (...call) => (isStolen ? 'lost' : nonceStore.renew(...call)),
        confirm: async (...call) => (isStolen ? 'lost' : nonceStore.confirm(...call)),
      },
    })
    const codes: unknown[] = []
    const processing = client.process(await scene.receive(), async (_, { signal }) => {
      await aborted(signal)
      codes.push(codeOf(signal))
    })
    isStolen = true
    await scene.clock.advance(LOCK_MS)
    await processing
    expect([codes, scene.queue.messages().length]).toEqual([['MessageLockLost'], 1])
  })
})
