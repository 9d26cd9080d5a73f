import { getEventListeners } from 'node:events'
import { describe, expect, it, vi } from 'vitest'
import {
  type Clock,
  createQueueClient,
  type MessageProtection,
  type QueueClientOptions,
  QueueError,
} from '../src/index.ts'
import type { Delivery, QueueTransport, Unprotected } from '../src/provider.ts'
import { createTurn } from '../src/receiving/turn.ts'
import { providerOf, scriptedDelivery, transportOf } from './client-support.ts'
import { heldFor, protectionOf, setScene, stateOf, watchedClock } from './consuming-support.ts'

const down = (retryAfterMs?: number): QueueError => new QueueError('ConnectionFailed', 'down', { retryAfterMs })

type ReceiveOptions = Parameters<QueueTransport['receive']>[0]

/** A client whose transport receives as the test says. `calls` tells when it was asked, and for how much. */
const scripted = (
  receive: (options: ReceiveOptions, call: number) => Promise<readonly Delivery[]>,
  options: Partial<QueueClientOptions> = {},
) => {
  const clock = watchedClock()
  const start = clock.now()
  const calls: { at: number; waitMs: number; maxMessages: number }[] = []
  const transport = transportOf({
    async receive(asked) {
      calls.push({ at: clock.now() - start, waitMs: asked.waitMs, maxMessages: asked.maxMessages })
      return [...(await receive(asked, calls.length))]
    },
  })
  const client = createQueueClient({
    ...{ provider: providerOf(transport), queue: 'orders', clock, logger: false, retry: { jitter: 0 } },
    ...options,
  })
  return { clock, calls, client, now: () => clock.now() - start }
}

describe('a look at the queue (C4)', () => {
  it('ends with null at its deadline', async () => {
    const { clock, calls, client } = scripted(async ({ waitMs, signal }) => {
      await clock.sleep(waitMs, signal)
      return []
    })
    const receiving = client.receive({ waitMs: 60_000 })
    await clock.advance(59_999)
    expect(await stateOf(receiving)).toBe('pending')
    await clock.advance(1)
    expect(await receiving).toBeNull()
    expect([calls, clock.sleepers]).toEqual([[{ at: 0, waitMs: 60_000, maxMessages: 1 }], 0])
  })

  it('asks a transport that comes back early for what is left, not more than ten times a second', async () => {
    const { clock, calls, client } = scripted(async () => [])
    const receiving = client.receive({ waitMs: 1_050 })
    await clock.advance(1_050)
    expect(await receiving).toBeNull()
    expect(calls.slice(0, 3).map(({ waitMs }) => waitMs)).toEqual([1_050, 950, 850])
    expect([calls.length, calls.at(-1)?.waitMs]).toEqual([11, 50])
  })

  it('at a transport that comes back late with nothing is over then', async () => {
    const { clock, calls, client } = scripted(async ({ waitMs }) => {
      await clock.sleep(waitMs + 5_000)
      return []
    })
    const receiving = client.receive({ waitMs: 1_000 })
    await clock.advance(6_000)
    expect([await receiving, calls.length]).toEqual([null, 1])
  })

  it('at one that comes back late with a message hands it over', async () => {
    const { clock, client } = scripted(async ({ waitMs }) => {
      await clock.sleep(waitMs + 5_000)
      return [scriptedDelivery(clock).delivery]
    })
    const receiving = client.receive({ waitMs: 1_000 })
    await clock.advance(6_000)
    expect((await receiving)?.messageId).toBe('m-1')
    await client.close()
  })

  it.each(Array.from({ length: 8 }, (_, index) => index))(
    'is made by nobody else in between, who comes %i microtasks after one that ends',
    async (microtasks) => {
      const turn = createTurn(watchedClock())
      const { signal } = new AbortController()
      const ending = Promise.withResolvers<void>()
      let inside = 0
      let most = 0
      const work = async (until: Promise<void>): Promise<void> => {
        inside += 1
        most = Math.max(most, inside)
        await until
        await new Promise((resolve) => setImmediate(resolve))
        inside -= 1
      }
      const first = turn.take({ waitMs: 10, signal }, () => work(ending.promise))
      const second = turn.take({ waitMs: 10, signal }, () => work(Promise.resolve()))
      ending.resolve()
      await new Promise((resolve) => setImmediate(resolve))
      for (let passed = 0; passed < microtasks; passed += 1) await Promise.resolve()
      await Promise.all([first, second, turn.take({ waitMs: 10, signal }, () => work(Promise.resolve()))])
      expect(most).toBe(1)
    },
  )

  it('gives back at once what would overtake a message that comes again (C15)', async () => {
    const again = (): Unprotected => ({
      error: new QueueError('KeyNotFound', 'x', { facts: { keyId: 'k' } }),
      disposition: { action: 'abandon', delayMs: 5_000 },
    })
    const crypto = protectionOf((text) => (text === 'a' ? again() : undefined))
    const { broker, client, clock } = setScene({ sessions: 'groups' }, { crypto })
    broker.put('a', 's')
    broker.put('b', 's')
    broker.put('c')
    const { messages } = await client.receiveBatch({ waitMs: 0 })
    await clock.advance(0)
    expect([messages.map((message) => message.text()), broker.locked]).toEqual([['c'], ['c']])
    await client.close()
  })

  it('is made by one caller at a time, who share what comes', async () => {
    const { broker, client, clock } = setScene()
    const receiving = Promise.all(Array.from({ length: 20 }, () => client.receive({ waitMs: 60_000 })))
    for (let count = 0; count < 20; count += 1) {
      broker.put(String(count))
      await clock.advance(10)
    }
    const texts = (await receiving).map((message) => message?.text())
    expect(texts.map(Number)).toEqual(Array.from({ length: 20 }, (_, index) => index))
    expect([broker.violations, clock.sleepers]).toEqual([[], 0])
    await client.close()
  })
})

describe('a receive that the broker fails (R5)', () => {
  it('is tried again within its wait, for what is left of it', async () => {
    const { clock, calls, client } = scripted(async ({ waitMs, signal }, call) => {
      if (call === 1) throw down()
      await clock.sleep(waitMs, signal)
      return []
    })
    const receiving = client.receive({ waitMs: 20_000 })
    await clock.advance(20_000)
    expect([await receiving, clock.sleepers]).toEqual([null, 0])
    expect(calls.map(({ at, waitMs }) => [at, waitMs])).toEqual([
      [0, 20_000],
      [5_000, 15_000],
    ])
  })

  it.each([
    [0, 1],
    [5_000, 1],
    [5_001, 2],
    [10_000, 2],
    [60_000, 3],
  ])('rejects within its wait of %i ms with the error of the broker, after %i calls', async (waitMs, expected) => {
    const { clock, calls, client, now } = scripted(() => Promise.reject(down()))
    const failed = client
      .receive({ waitMs })
      .catch((error: QueueError) => [error.code, error.operation, now() <= waitMs])
    await clock.advance(60_000)
    expect([await failed, calls.length]).toEqual([['ConnectionFailed', 'receive', true], expected])
  })

  it('opens the gate with the fifth failure in a row; it is told when to come again', async () => {
    const { clock, calls, client } = scripted(() => Promise.reject(down()), { retry: false })
    const code = (): Promise<unknown> => client.receive({ waitMs: 0 }).catch((error: QueueError) => error.code)
    const codes = [await code(), await code(), await code(), await code(), await code(), await code()]
    expect(codes).toEqual([...Array.from({ length: 5 }, () => 'ConnectionFailed'), 'CircuitOpen'])
    await expect(client.receive({ waitMs: 60_000 })).rejects.toMatchObject({
      ...{ code: 'CircuitOpen', retryAfterMs: 30_000, queue: 'orders', operation: 'receive' },
    })
    await clock.advance(30_000)
    expect([await code(), await code(), calls.length]).toEqual(['ConnectionFailed', 'CircuitOpen', 6])
  })

  it('with what no time heals counts for nothing, nor does an abort', async () => {
    const denied = new QueueError('PermissionDenied', 'no')
    const { clock, client } = scripted(async ({ waitMs, signal }, call) => {
      if (call % 2 === 0) throw denied
      await clock.sleep(waitMs, signal)
      throw down()
    })
    for (let count = 0; count < 10; count += 1) {
      const stop = new AbortController()
      const aborted = client.receive({ signal: stop.signal }).catch((error: unknown) => error)
      await clock.advance(1)
      stop.abort(new Error('enough'))
      expect(await aborted).toEqual(new Error('enough'))
      await expect(client.receive({ waitMs: 0 })).rejects.toMatchObject({ code: 'PermissionDenied' })
    }
  })

  it('is waited out by messages() at the gate: the broker is asked every 30 s, for one message and a second', async () => {
    const { clock, calls, client } = scripted(() => Promise.reject(down()))
    const stop = new AbortController()
    const iterating = client.messages({ signal: stop.signal })[Symbol.asyncIterator]().next()
    await clock.advance(20_000)
    expect(calls.length).toBe(5)
    await clock.advance(120_000)
    expect(calls.slice(5)).toEqual([
      { at: 50_000, waitMs: 1_000, maxMessages: 1 },
      { at: 80_000, waitMs: 1_000, maxMessages: 1 },
      { at: 110_000, waitMs: 1_000, maxMessages: 1 },
      { at: 140_000, waitMs: 1_000, maxMessages: 1 },
    ])
    stop.abort()
    expect([await iterating, getEventListeners(stop.signal, 'abort').length]).toEqual([
      { done: true, value: undefined },
      0,
    ])
    await clock.advance(0)
    expect(clock.sleepers).toBe(0)
  })
})

describe('a gate that is open', () => {
  it('rejects at once who would have to stand in line behind a look that began before', async () => {
    const clock = watchedClock()
    const transport = transportOf({
      receive: ({ waitMs, signal }) => clock.sleep(waitMs, signal).then(() => []),
      send: () => Promise.reject(down()),
    })
    const client = createQueueClient({
      ...{ provider: providerOf(transport), queue: 'orders', clock, logger: false, retry: false },
    })
    const early = client.receive({ waitMs: 20_000 })
    await clock.advance(1)
    for (let count = 0; count < 5; count += 1) await client.send({ body: 'x' }).catch(() => {})
    const late = client.receive({ waitMs: 20_000 }).catch((error: QueueError) => error.code)
    await clock.advance(0)
    expect([await stateOf(late), await late, await stateOf(early)]).toEqual(['resolved', 'CircuitOpen', 'pending'])
    await clock.advance(20_000)
    expect(await early).toBeNull()
  })

  it('does not let a loop without a pause keep the process from all else', async () => {
    const { broker, client, clock } = setScene({}, { crypto: protectionOf(() => heldFor()) })
    broker.put('a')
    await client.receive({ waitMs: 0 }).catch(() => {})
    let isOver = false
    let rounds = 0
    setTimeout(() => {
      isOver = true
    }, 5)
    while (!isOver) {
      await client.receive({ waitMs: 0 }).catch(() => {})
      rounds += 1
      if (rounds > 1_000_000) throw new Error('The timer never came.')
    }
    await clock.advance(0)
    await client.close()
  })

  it('half-open lets one message through; what a generous broker sends beside it goes back', async () => {
    let isDown = true
    const extra = scriptedDelivery(watchedClock())
    const { clock, calls, client } = scripted(
      async () => {
        if (isDown) throw down()
        return [scriptedDelivery(clock).delivery, extra.delivery]
      },
      { retry: false },
    )
    for (let count = 0; count < 5; count += 1) await client.receive({ waitMs: 0 }).catch(() => {})
    isDown = false
    await clock.advance(30_000)
    const { messages } = await client.receiveBatch({ maxMessages: 10, waitMs: 20_000 })
    expect([messages.length, calls.at(-1)]).toEqual([1, { at: 30_000, waitMs: 1_000, maxMessages: 1 }])
    await clock.advance(0)
    expect(extra.asked).toEqual(['abandon 0'])
    await client.close()
  })

  it('closes with three looks that find nothing, a second each', async () => {
    let isDown = true
    const { clock, calls, client } = scripted(
      async ({ waitMs, signal }) => {
        if (isDown) throw down()
        await clock.sleep(waitMs, signal)
        return []
      },
      { retry: false },
    )
    for (let count = 0; count < 5; count += 1) await client.receive({ waitMs: 0 }).catch(() => {})
    isDown = false
    await clock.advance(30_000)
    const receiving = client.receive({ waitMs: 20_000 })
    await clock.advance(20_000)
    expect(await receiving).toBeNull()
    expect(calls.slice(5).map(({ waitMs }) => waitMs)).toEqual([1_000, 1_000, 1_000, 17_000])
  })
})

describe('an abort of a receive (C6)', () => {
  const reason = new Error('enough')
  const slow = ({ sleep }: Clock): MessageProtection => ({
    open: () => ({
      protect: () => Promise.reject(new Error('nothing is sent')),
      unprotect: (_, { signal }) => sleep(60_000, signal).then(() => []),
    }),
  })

  it.each([
    'in line behind another one',
    'while the broker is asked',
    'in the pause before it is asked again',
    'while messages are opened',
    'while a refused one is settled',
  ])('%s rejects with its reason at once, and leaves no timer and no message', async (where) => {
    const letter = protectionOf(() => ({
      error: new QueueError('AuthenticationFailed', 'x'),
      disposition: { action: 'dead-letter', reason: 'qr.rejected' },
    }))
    const scene = setScene({
      async before({ operation }) {
        if (operation === 'receive' && where === 'in the pause before it is asked again') throw down()
        if (operation === 'deadLetter') await scene.clock.sleep(60_000)
      },
    })
    const { broker, clock } = scene
    const crypto = {
      'while messages are opened': slow(clock),
      'while a refused one is settled': letter,
    }[where]
    const client = scene.another({ crypto })
    if (crypto !== undefined) broker.put('a')
    const isInLine = where === 'in line behind another one'
    const first = isInLine ? client.receive({ waitMs: 60_000 }).catch(() => {}) : undefined
    const stop = new AbortController()
    const receiving = client.receive({ waitMs: 60_000, signal: stop.signal })
    await clock.advance(500)
    stop.abort(reason)
    await expect(receiving).rejects.toBe(reason)
    expect(getEventListeners(stop.signal, 'abort')).toEqual([])
    const closing = client.close()
    await clock.advance(60_000)
    await Promise.all([closing, first])
    expect([broker.locked, clock.sleepers]).toEqual([[], 0])
    expect([...broker.left, ...broker.letters]).toEqual(crypto === undefined ? [] : ['a'])
  })

  it.each(Array.from({ length: 24 }, (_, index) => index))(
    '%i microtasks after a message came leaves no message locked',
    async (microtasks) => {
      const { broker, client, clock } = setScene()
      const stop = new AbortController()
      const receiving = client.receive({ waitMs: 60_000, signal: stop.signal })
      await clock.advance(1)
      broker.put('a')
      for (let passed = 0; passed < microtasks; passed += 1) await Promise.resolve()
      stop.abort(reason)
      const received = await receiving.catch((error: unknown) => error)
      await clock.advance(0)
      expect(broker.locked).toEqual(received === reason ? [] : ['a'])
      await client.close()
      expect([broker.locked, broker.left]).toEqual([[], ['a']])
    },
  )

  it('while the message of a probe is opened lets the next one in', async () => {
    const scene = setScene()
    const { broker, clock } = scene
    let isDown = true
    let isStuck = true
    const client = scene.another({
      retry: false,
      crypto: {
        open: () => ({
          protect: () => Promise.reject(new Error('nothing is sent')),
          unprotect: async (messages, { signal }) => {
            if (isDown) return messages.map(() => heldFor())
            if (isStuck) await clock.sleep(60_000, signal)
            return messages.map(({ body }) => ({ body, seal: null, claim: null }))
          },
        }),
      },
    })
    broker.put('a')
    broker.put('b')
    await client.receive({ waitMs: 0 }).catch(() => {})
    isDown = false
    isStuck = false
    // The first message that is no longer held makes the gate half-open.
    await clock.advance(1_300)
    await (await client.receive({ waitMs: 0 }))?.complete()
    isStuck = true
    const stop = new AbortController()
    const aborted = client.receive({ waitMs: 0, signal: stop.signal }).catch((error: unknown) => error)
    await clock.advance(500)
    stop.abort(reason)
    expect(await aborted).toBe(reason)
    isStuck = false
    await clock.advance(0)
    expect((await client.receive({ waitMs: 0 }))?.text()).toBe('b')
    await client.close()
  })

  it('leaves no listener after a thousand receives with one signal', async () => {
    const { broker, client, clock } = setScene()
    const { signal } = new AbortController()
    for (let count = 0; count < 1_000; count += 1) {
      broker.put(String(count))
      await (await client.receive({ waitMs: 60_000, signal }))?.complete()
    }
    await clock.advance(0)
    expect([broker.completed.length, getEventListeners(signal, 'abort').length, clock.sleepers]).toEqual([1_000, 0, 0])
    await client.close()
  })

  it('never comes: a thousand messages of one consumer leave no listener on any signal', async () => {
    const { broker, client, clock } = setScene()
    const added = vi.spyOn(EventTarget.prototype, 'addEventListener')
    try {
      client.consume(() => {})
      for (let count = 0; count < 1_000; count += 1) {
        broker.put(String(count))
        await new Promise((resolve) => setImmediate(resolve))
      }
      await clock.advance(0)
      const signals = new Set(added.mock.contexts as EventTarget[])
      const left = Array.from(signals, (signal) => getEventListeners(signal, 'abort').length)
      expect(broker.completed.length).toBe(1_000)
      expect(left.reduce((sum, count) => sum + count, 0)).toBeLessThan(50)
    } finally {
      vi.restoreAllMocks()
    }
    await client.close()
  })
})
