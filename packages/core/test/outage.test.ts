import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, describe, expect, it } from 'vitest'
import { createQueueClient, type QueueClientOptions, QueueError } from '../src/index.ts'
import { providerOf, scriptedDelivery, transportOf } from './client-support.ts'
import { heldFor, protectionOf, type Scene, setScene, stateOf, watchedClock } from './consuming-support.ts'
import { forgetGlobals, meterRecorder, valuesOf } from './telemetry-support.ts'

afterEach(forgetGlobals)

const minutes = (count: number): number => count * 60_000
const down = (): QueueError => new QueueError('ConnectionFailed', 'down')

/** A client whose key store can be switched off. */
const storeScene = (
  more: Partial<QueueClientOptions> = {},
  before: Parameters<typeof setScene>[0] = {},
): Scene & { isDown: boolean } => {
  const scene = setScene(before, { crypto: protectionOf(() => (state.isDown ? heldFor() : undefined)), ...more })
  const state = Object.assign(scene, { isDown: false })
  return state
}

describe('the state of the gate (O3, issue 4)', () => {
  it('is 1 in an outage, 2 while it is looked whether it is over, and 0 after that', async () => {
    const recorder = meterRecorder()
    const scene = storeScene({ meterProvider: recorder.provider })
    const { broker, client, clock } = scene
    const gauge = async (): Promise<unknown> => (await valuesOf(recorder)).queue_circuit_breaker_state
    const shown = (value: number) => [{ attributes: { queue: 'orders' }, value }]
    scene.isDown = true
    broker.put('a')
    const consumer = client.consume(() => {})
    await clock.advance(minutes(1))
    expect([await gauge(), consumer.state]).toEqual([shown(1), 'paused'])
    scene.isDown = false
    // The next try is 61 s after the first.
    await clock.advance(1_500)
    expect([await gauge(), consumer.state]).toEqual([shown(2), 'running'])
    await clock.advance(10_000)
    expect([await gauge(), consumer.state]).toEqual([shown(0), 'running'])
    await client.close()
  })

  it('is what health() tells, though the broker answers', async () => {
    const clock = watchedClock()
    const transport = transportOf({ probe: async () => ({ depth: 7 }), receive: () => Promise.reject(down()) })
    const options = { provider: providerOf(transport), queue: 'orders', clock, logger: false, retry: false } as const
    const client = createQueueClient(options)
    expect(await client.health()).toEqual({ depth: 7 })
    for (let count = 0; count < 5; count += 1) await client.receive({ waitMs: 0 }).catch(() => {})
    await expect(client.health()).rejects.toMatchObject({ code: 'ConnectionFailed' })
    await client.close()
  })
})

describe('an outage of the broker (R5, A11, edge cases 12 and 15)', () => {
  it('is failed fast for sends and receives, and over for both when either finds out', async () => {
    const clock = watchedClock()
    let isDown = true
    let calls = 0
    const answer = async <T>(value: T): Promise<T> => {
      calls += 1
      if (isDown) throw down()
      return value
    }
    const transport = transportOf({
      send: (wire) => answer(wire.map(() => ({ error: null }))),
      receive: () => answer([]),
    })
    const client = createQueueClient({
      ...{ provider: providerOf(transport), queue: 'orders', clock, logger: false, retry: { jitter: 0 } },
    })
    const send = (): Promise<unknown> =>
      client.send({ body: 'x' }).then(
        () => 'sent',
        (error: QueueError) => error.code,
      )
    const sending = Promise.all([send(), send()])
    await clock.advance(minutes(1) / 2)
    // Three attempts each would be six; the fifth failure opened the gate, and nobody knocks at it again.
    expect([await sending, calls]).toEqual([['ConnectionFailed', 'CircuitOpen'], 5])
    expect([await send(), await client.receive().catch((error: QueueError) => error.code), calls]).toEqual([
      'CircuitOpen',
      'CircuitOpen',
      5,
    ])
    isDown = false
    await clock.advance(minutes(1))
    expect([await send(), await send(), await send()]).toEqual(['sent', 'sent', 'sent'])
    expect(await Promise.all(Array.from({ length: 50 }, send))).toEqual(Array.from({ length: 50 }, () => 'sent'))
    await client.close()
    await clock.advance(0)
    expect(clock.sleepers).toBe(0)
  })

  it('does not stop settlements and renewals, which never ask the gate', async () => {
    const scene = storeScene()
    const { broker, client } = scene
    broker.put('a')
    broker.put('b')
    const first = await client.receive({ waitMs: 0 })
    scene.isDown = true
    await client.receive({ waitMs: 0 }).catch(() => {})
    await first?.renewLock()
    await first?.complete()
    expect(broker.completed).toEqual(['a'])
    await client.close()
  })
})

describe('an outage of the broker whose end brings what is held (R5)', () => {
  it('is one of the store from then on: sends go out, receives wait', async () => {
    const clock = watchedClock()
    let isDown = true
    const transport = transportOf({
      receive: async () => {
        if (isDown) throw down()
        return [scriptedDelivery(clock).delivery]
      },
    })
    const client = createQueueClient({
      ...{ provider: providerOf(transport), queue: 'orders', clock, logger: false, retry: false },
      crypto: protectionOf(() => heldFor()),
    })
    for (let count = 0; count < 5; count += 1) await client.receive({ waitMs: 0 }).catch(() => {})
    await expect(client.send({ body: 'x' })).rejects.toMatchObject({ code: 'CircuitOpen' })
    isDown = false
    await clock.advance(30_000)
    await expect(client.receive({ waitMs: 0 })).rejects.toMatchObject({ code: 'KeyProviderError' })
    await client.send({ body: 'x' })
    await expect(client.receive({ waitMs: 0 })).rejects.toMatchObject({ code: 'CircuitOpen' })
    await client.close()
  })
})

describe('closing (C21)', () => {
  it('closes the transport after all that is under way was given back', async () => {
    const log: string[] = []
    const scene: Scene = setScene({
      before: ({ operation }) => void log.push(operation),
    })
    const { broker, clock } = scene
    const provider = {
      name: 'small',
      open: (queue: string) => ({
        ...broker.provider.open(queue),
        close: async () => void log.push('close'),
      }),
    }
    const client = scene.another({
      provider,
      crypto: {
        open: () => ({
          protect: () => Promise.reject(new Error('nothing is sent')),
          // It does not listen to the abort.
          unprotect: async (messages) => {
            await clock.sleep(1_500)
            return messages.map(() => heldFor())
          },
        }),
      },
    })
    broker.put('a')
    const receiving = client.receive({ waitMs: 0 }).catch((error: QueueError) => error.code)
    await clock.advance(1_000)
    const closing = client.close()
    expect(await receiving).toBe('ClientClosed')
    await clock.advance(500)
    await closing
    expect([log, broker.locked]).toEqual([['receive', 'abandon', 'close'], []])
  })
})

describe('a slow broker', () => {
  it('costs a held message nothing: renewals that take ten seconds come in time', async () => {
    const scene: Scene & { isDown: boolean } = storeScene(
      {},
      {
        before: async ({ operation }) => {
          if (operation === 'renewLock') await scene.clock.sleep(10_000)
        },
      },
    )
    const { broker, client, clock } = scene
    scene.isDown = true
    broker.put('a')
    client.consume(() => {})
    await clock.advance(minutes(4))
    scene.isDown = false
    await clock.advance(minutes(1))
    expect([broker.completed, broker.deliveries.get('a')]).toEqual([['a'], 1])
    await client.close()
  })

  it('is waited for when the client closes: what it takes back is not locked any more', async () => {
    const scene: Scene & { isDown: boolean } = storeScene(
      {},
      {
        before: async ({ operation }) => {
          if (operation === 'abandon') await scene.clock.sleep(20_000)
        },
      },
    )
    const { broker, client, clock } = scene
    scene.isDown = true
    for (const text of ['a', 'b', 'c']) broker.put(text)
    await client.receiveBatch({ waitMs: 0 }).catch(() => {})
    const closing = client.close()
    await clock.advance(19_999)
    expect([await stateOf(closing), broker.locked]).toEqual(['pending', ['a', 'b', 'c']])
    await clock.advance(1)
    expect([await stateOf(closing), broker.locked, clock.sleepers]).toEqual(['resolved', [], 0])
  })

  it('that takes nothing back keeps no client from closing', async () => {
    const scene = storeScene(
      {},
      {
        before: ({ operation }) => {
          if (operation === 'abandon') throw down()
        },
      },
    )
    const { broker, client, clock } = scene
    scene.isDown = true
    broker.put('a')
    await client.receive({ waitMs: 0 }).catch(() => {})
    await client.close()
    await clock.advance(0)
    expect(clock.sleepers).toBe(0)
    await clock.advance(30_000)
    expect(broker.locked).toEqual([])
  })
})

describe('a thousand outages', () => {
  it('leave no message, no timer and no memory behind (PF7)', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const scene = storeScene()
    const { broker, client, clock } = scene
    const messages: WeakRef<object>[] = []
    client.consume((message) => void messages.push(new WeakRef(message)))
    for (let outages = 0; outages < 1_000; outages += 1) {
      scene.isDown = true
      broker.put(String(outages))
      await clock.advance(500)
      scene.isDown = false
      await clock.advance(5_000)
    }
    expect([broker.completed.length, Math.max(...broker.deliveries.values())]).toEqual([1_000, 1])
    // Whoever looks at a weak reference keeps what it refers to until the end of its turn.
    await new Promise((resolve) => setImmediate(resolve))
    collect()
    expect(messages.filter((message) => message.deref() !== undefined).length).toBeLessThan(5)
    const idle = clock.sleepers
    expect(idle).toBeLessThan(4)
    await client.close()
    await clock.advance(0)
    expect(clock.sleepers).toBe(0)
  })
})
