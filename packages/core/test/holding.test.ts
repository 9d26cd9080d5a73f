import { describe, expect, it } from 'vitest'
import { resolveLogger } from '../src/base/logger.ts'
import { type MessageProtection, type QueueClientOptions, QueueError, type RejectedMessage } from '../src/index.ts'
import type { Unprotected } from '../src/provider.ts'
import { createShelf } from '../src/receiving/shelf.ts'
import { createTaking, type Refused } from '../src/receiving/taking.ts'
import { createUnsettled } from '../src/settling/unsettled.ts'
import { fakeClock } from '../src/testing.ts'
import { scriptedDelivery } from './client-support.ts'
import { heldFor, type Scene, setScene, stateOf } from './consuming-support.ts'
import type { SmallBrokerOptions } from './small-broker.ts'
import { unwatched } from './support.ts'

const minutes = (count: number): number => count * 60_000

/** What the store says of a text; undefined: it opens. */
type Store = (text: string) => Unprotected | undefined

const odd = (): Unprotected => ({ error: new QueueError('KeyDisposed', 'odd'), disposition: { action: 'hold' } })
const forged = (): Unprotected => ({
  error: new QueueError('AuthenticationFailed', 'x'),
  disposition: { action: 'dead-letter', reason: 'qr.rejected' },
})

interface Bench extends Scene {
  /** When the store was asked, in milliseconds since the start, and for what. */
  readonly asked: { at: number; texts: string[] }[]
  store: Store
  /** Texts whose claims nobody has released or confirmed. */
  readonly claimed: string[]
  readonly rejected: RejectedMessage[]
}

/** A client whose stores can be switched. Each opened message is claimed, and all claims are counted. */
const setUp = (options: Omit<SmallBrokerOptions, 'clock'> = {}, more: Partial<QueueClientOptions> = {}): Bench => {
  const asked: Bench['asked'] = []
  const claimed: string[] = []
  const rejected: RejectedMessage[] = []
  const end = (text: string): void => {
    if (!claimed.includes(text)) throw new Error(`The claim of ${text} ended twice.`)
    claimed.splice(claimed.indexOf(text), 1)
  }
  const crypto: MessageProtection = {
    open: () => ({
      protect: () => Promise.reject(new Error('nothing is sent')),
      async unprotect(messages, { signal }) {
        const texts = messages.map(({ body }) => new TextDecoder().decode(body))
        asked.push({ at: bench.clock.now() - start, texts })
        signal?.throwIfAborted()
        return messages.map(({ body }, index): Unprotected => {
          const text = texts[index] ?? ''
          const verdict = bench.store(text)
          if (verdict !== undefined) return verdict
          // A claim that is made anew takes the place of the one before.
          if (!claimed.includes(text)) claimed.push(text)
          const claim = { confirm: async () => end(text), release: async () => end(text), renew: async () => {} }
          return { body, seal: null, claim }
        })
      },
    }),
  }
  const onRejected = (one: RejectedMessage): void => void rejected.push(one)
  const scene = setScene(options, { crypto, onRejected, ...more })
  const start = scene.clock.now()
  const bench: Bench = Object.assign(scene, { asked, claimed, rejected, store: (): undefined => undefined })
  return bench
}

const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    (value) => value,
    (error: QueueError) => error.code,
  )

const down: Store = () => heldFor()
const up: Store = () => undefined

describe('a message whose store is down (protocol.md 4.2)', () => {
  it('is thrown as the outage, then the gate says when to come again, then it is handed over: delivered once', async () => {
    const bench = setUp()
    const { broker, client, clock } = bench
    broker.put('a')
    bench.store = down
    expect(await codeOf(client.receive({ waitMs: 20_000 }))).toBe('KeyProviderError')
    expect(await codeOf(client.receive({ waitMs: 20_000 }))).toBe('CircuitOpen')
    await clock.advance(minutes(2))
    bench.store = up
    await clock.advance(30_000)
    const message = await client.receive({ waitMs: 0 })
    expect([message?.text(), message?.deliveryCount]).toEqual(['a', 1])
    await message?.complete()
    expect([broker.completed, bench.claimed]).toEqual([['a'], []])
    await client.close()
    await clock.advance(0)
    expect(clock.sleepers).toBe(0)
  })

  it('is handed over though the gate is still open: what is at hand needs no broker', async () => {
    const bench = setUp()
    const { broker, client, clock } = bench
    broker.put('a')
    broker.put('b')
    bench.store = down
    expect(await codeOf(client.receiveBatch({ waitMs: 0 }))).toBe('KeyProviderError')
    bench.store = (text) => (text === 'a' ? undefined : heldFor())
    await clock.advance(1_000)
    expect((await client.receive({ waitMs: 0 }))?.text()).toBe('a')
    expect(await codeOf(client.receive({ waitMs: 0 }))).toBe('CircuitOpen')
    bench.store = up
    await clock.advance(30_000)
    expect((await client.receive({ waitMs: 0 }))?.text()).toBe('b')
    await client.close()
  })

  it('stands in `rejected` as held and unsettled, beside a good one, and is told once', async () => {
    const bench = setUp()
    const { broker, client } = bench
    broker.put('a')
    broker.put('b')
    bench.store = (text) => (text === 'a' ? heldFor('NonceStoreUnavailable') : undefined)
    const { messages, rejected } = await client.receiveBatch({ waitMs: 0 })
    expect(messages.map((message) => message.text())).toEqual(['b'])
    expect(rejected.map(({ error, disposition, settled }) => [error.code, disposition.action, settled])).toEqual([
      ['NonceStoreUnavailable', 'hold', false],
    ])
    await bench.clock.advance(minutes(1))
    expect(bench.rejected).toEqual(rejected)
    await client.close()
  })

  it('that turns out to be refused when the outage ends is settled, told, and brings the next receive nothing', async () => {
    const bench = setUp()
    const { broker, client, clock } = bench
    broker.put('a')
    broker.put('b')
    bench.store = down
    await codeOf(client.receiveBatch({ waitMs: 0 }))
    bench.store = (text) => (text === 'a' ? forged() : undefined)
    await clock.advance(1_000)
    const { messages, rejected } = await client.receiveBatch({ waitMs: 0 })
    expect(messages.map((message) => message.text())).toEqual(['b'])
    expect(rejected.map(({ error, settled }) => [error.code, settled])).toEqual([['AuthenticationFailed', true]])
    expect([broker.letters, bench.rejected.map(({ settled }) => settled)]).toEqual([['a'], [false, false, true]])
    await client.close()
  })

  it('comes to messages(), and to a look that waits for others already', async () => {
    const bench = setUp()
    const { broker, client, clock, calls } = bench
    bench.store = (text) => (text === 'odd' ? odd() : undefined)
    broker.put('odd')
    const texts: string[] = []
    const iterating = (async () => {
      for await (const message of client.messages()) {
        texts.push(message.text())
        await message.complete()
      }
    })()
    // By then the gate has closed: what no time heals does not keep it open.
    await clock.advance(minutes(2))
    broker.put('b')
    await clock.advance(1_000)
    expect([texts, calls.at(-1)?.operation]).toEqual([['b'], 'receive'])
    bench.store = up
    await clock.advance(30_000)
    expect(texts).toEqual(['b', 'odd'])
    await client.close()
    await iterating
    await clock.advance(0)
    expect([broker.deliveries.get('odd'), clock.sleepers]).toEqual([1, 0])
  })
})

describe('trying held messages again', () => {
  it('goes at the pace of retries, all of them in one call, and asks the queue for nothing', async () => {
    const bench = setUp()
    const { broker, client, clock, asked, calls } = bench
    for (const text of ['a', 'b', 'c']) broker.put(text)
    bench.store = down
    client.consume(() => {}, { concurrency: 3 })
    await clock.advance(minutes(3))
    expect(asked.map(({ at }) => at / 1_000)).toEqual([0, 1, 3, 7, 15, 31, 61, 91, 121, 151])
    expect(asked.every(({ texts }) => texts.join() === 'a,b,c')).toBe(true)
    expect(calls.filter(({ operation }) => operation === 'receive').length).toBe(1)
    await client.close()
  })

  it('follows the hint of the store', async () => {
    const bench = setUp()
    const { broker, client, clock, asked } = bench
    broker.put('a')
    const error = new QueueError('KeyProviderError', 'slow down', { retryAfterMs: 12_345 })
    bench.store = () => ({ error, disposition: { action: 'hold' } })
    await codeOf(client.receive({ waitMs: 0 }))
    await clock.advance(25_000)
    expect(asked.map(({ at }) => at)).toEqual([0, 12_345, 24_690])
    await client.close()
  })

  it.each([
    ['pauses of no length', { retry: { initialMs: 0, maxMs: 0 } }, undefined],
    ['hints of no length', {}, 0],
  ])('is no busy loop with %s', async (_, options, retryAfterMs) => {
    const bench = setUp({}, options)
    const { broker, client, clock, asked } = bench
    broker.put('a')
    const error = new QueueError('KeyProviderError', 'down', { retryAfterMs })
    bench.store = () => ({ error, disposition: { action: 'hold' } })
    await codeOf(client.receive({ waitMs: 0 }))
    await clock.advance(10_000)
    expect(asked.length).toBeLessThanOrEqual(101)
    await client.close()
  })

  it('begins anew with the next outage', async () => {
    const bench = setUp()
    const { broker, client, clock, asked } = bench
    client.consume(() => {})
    for (const text of ['a', 'b', 'c']) {
      bench.store = down
      broker.put(text)
      await clock.advance(20_000)
      bench.store = up
      await clock.advance(minutes(2))
    }
    expect([broker.completed, [...broker.deliveries.values()]]).toEqual([
      ['a', 'b', 'c'],
      [1, 1, 1],
    ])
    const starts = asked.flatMap(({ at }, index) => (at - (asked[index - 1]?.at ?? -1e9) > 60_000 ? [at] : []))
    expect(starts.map((at) => asked.filter((one) => one.at > at && one.at < at + 10_000).length)).toEqual([3, 3, 3])
    await client.close()
  })

  it('goes on for what was held in the very moment in which nothing was left to try', async () => {
    for (let microtasks = 0; microtasks < 30; microtasks += 1) {
      const bench = setUp()
      const { broker, client, clock } = bench
      const downFor = new Set(['a', 'b'])
      bench.store = (text) => (downFor.has(text) ? heldFor() : undefined)
      broker.put('a')
      await codeOf(client.receive({ waitMs: 0 }))
      await clock.advance(999)
      downFor.delete('a')
      broker.put('b')
      // The retry comes now; what it brings wakes this look, which finds b.
      const iterator = client.messages()[Symbol.asyncIterator]()
      const first = iterator.next()
      await clock.advance(1)
      expect((await first).value?.text()).toBe('a')
      for (let passed = 0; passed < microtasks; passed += 1) await Promise.resolve()
      const second = iterator.next()
      await clock.advance(minutes(1))
      downFor.delete('b')
      await clock.advance(minutes(1))
      expect([await stateOf(second), (await second).value?.text()]).toEqual(['resolved', 'b'])
      await client.close()
    }
  })
})

describe('what no time heals, or so it seems', () => {
  it('pauses intake for half a minute, and then only itself: it is tried again while others pass', async () => {
    const bench = setUp()
    const { broker, client, clock, lines } = bench
    bench.store = (text) => (text === 'odd' ? odd() : undefined)
    broker.put('odd')
    broker.put('b')
    const consumer = client.consume(() => {})
    await clock.advance(29_999)
    expect([consumer.state, broker.completed]).toEqual(['paused', []])
    await clock.advance(4_001)
    expect([consumer.state, broker.completed, broker.locked]).toEqual(['running', ['b'], ['odd']])
    expect(lines.filter((text) => text === 'Outage: intake pauses').length).toBe(1)
    await clock.advance(minutes(2))
    expect(consumer.state).toBe('running')
    bench.store = up
    await clock.advance(30_000)
    expect([broker.completed, broker.deliveries.get('odd')]).toEqual([['b', 'odd'], 1])
    await client.close()
  })

  it('beside an outage does not end it, and beside its end does not prolong it', async () => {
    const bench = setUp()
    const { broker, client, clock } = bench
    bench.store = (text) => (text === 'odd' ? odd() : heldFor())
    broker.put('odd')
    broker.put('a')
    broker.put('b')
    const consumer = client.consume(() => {}, { concurrency: 2 })
    await clock.advance(minutes(4))
    expect([consumer.state, broker.deliveries.get('b')]).toEqual(['paused', undefined])
    bench.store = (text) => (text === 'odd' ? odd() : undefined)
    await clock.advance(minutes(1))
    expect([consumer.state, broker.completed]).toEqual(['running', ['a', 'b']])
    await client.close()
    expect(broker.locked).toEqual([])
  })
})

describe('the lock of a held message (S12)', () => {
  it.each([
    ['receive', undefined, minutes(5)],
    ['consume', undefined, minutes(5)],
    ['consume', 60_000, minutes(1)],
    ['consume', 0, 0],
  ])(
    'is renewed for %s with %s as long as it may be, then the broker delivers it again',
    async (by, maxAutoRenewMs, ms) => {
      const bench = setUp()
      const { broker, client, clock, lines } = bench
      bench.store = down
      broker.put('a')
      if (by === 'consume') client.consume(() => {}, { maxAutoRenewMs })
      else await codeOf(client.receive({ waitMs: 0 }))
      await clock.advance(ms)
      expect([broker.locked, lines.filter((text) => text.startsWith('The lock of a held'))]).toEqual([['a'], []])
      await clock.advance(30_000)
      expect(lines.filter((text) => text.startsWith('The lock of a held')).length).toBe(1)
      expect(broker.deliveries.get('a')).toBe(1)
      bench.store = up
      await clock.advance(31_000)
      if (by === 'receive') expect((await client.receive({ waitMs: 0 }))?.deliveryCount).toBe(2)
      else expect([broker.completed, broker.deliveries.get('a')]).toEqual([['a'], 2])
      await client.close()
    },
  )

  it('that is lost costs one delivery; the message is handled once and its claim is free', async () => {
    let isLost = false
    const bench = setUp({
      before({ operation }) {
        if (operation === 'renewLock' && isLost) throw new QueueError('MessageLockLost', 'gone')
      },
    })
    const { broker, client, clock } = bench
    bench.store = down
    broker.put('a')
    const handled: number[] = []
    client.consume((message) => void handled.push(message.deliveryCount))
    await clock.advance(10_000)
    isLost = true
    await clock.advance(10_000)
    isLost = false
    bench.store = up
    await clock.advance(minutes(2))
    expect([handled, broker.completed, bench.claimed]).toEqual([[2], ['a'], []])
    await client.close()
  })

  it('that ends while the store is asked leaves no claim behind, and the message comes again', async () => {
    const claims: string[] = []
    let isSlow = false
    let isDown = true
    const claim = { confirm: async () => {}, release: async () => void claims.push('released'), renew: async () => {} }
    const crypto: MessageProtection = {
      open: () => ({
        protect: () => Promise.reject(new Error('nothing is sent')),
        async unprotect(messages) {
          if (isSlow) await scene.clock.sleep(20_000)
          return messages.map(({ body }) => (isDown ? heldFor() : { body, seal: null, claim }))
        },
      }),
    }
    const scene = setScene(
      {
        before({ operation }) {
          if (operation === 'renewLock') throw new QueueError('ConnectionFailed', 'down')
        },
      },
      { crypto },
    )
    const { broker, client, clock } = scene
    broker.put('a')
    await codeOf(client.receive({ waitMs: 0 }))
    await clock.advance(14_000)
    isSlow = true
    isDown = false
    // The lock ends after 30 s; the answer to the try after 15 s comes after 35 s.
    await clock.advance(20_999)
    expect([broker.locked, claims]).toEqual([[], []])
    isSlow = false
    await clock.advance(1)
    expect(claims).toEqual(['released'])
    await clock.advance(30_000)
    expect((await client.receive({ waitMs: 0 }))?.deliveryCount).toBe(2)
    await client.close()
  })

  it('is not renewed once the message was handed over by receive()', async () => {
    const bench = setUp()
    const { broker, client, clock, calls } = bench
    bench.store = down
    broker.put('a')
    await codeOf(client.receive({ waitMs: 0 }))
    bench.store = up
    await clock.advance(1_000)
    const message = await client.receive({ waitMs: 0 })
    const renewals = (): number => calls.filter(({ operation }) => operation === 'renewLock').length
    const before = renewals()
    await clock.advance(60_000)
    expect([renewals(), broker.locked]).toEqual([before, []])
    await expect(message?.complete()).rejects.toMatchObject({ code: 'MessageLockLost' })
    await client.close()
  })

  it('is kept while nobody comes for a message that is ready', async () => {
    const bench = setUp()
    const { broker, client, clock } = bench
    bench.store = down
    broker.put('a')
    await codeOf(client.receive({ waitMs: 0 }))
    bench.store = up
    await clock.advance(minutes(4))
    const message = await client.receive({ waitMs: 0 })
    await message?.complete()
    expect([broker.completed, broker.deliveries.get('a'), bench.claimed]).toEqual([['a'], 1, []])
    await client.close()
  })
})

describe('closing during an outage (C21)', () => {
  it.each(['a', 'a b c d e'])('gives %s back at once, with no claim and no timer left', async (texts) => {
    for (const by of ['receive', 'consume', 'messages'] as const) {
      const bench = setUp()
      const { broker, client, clock } = bench
      for (const text of texts.split(' ')) broker.put(text)
      bench.store = (text) => (text === 'c' ? undefined : heldFor())
      if (by === 'receive') await codeOf(client.receiveBatch({ waitMs: 0 }))
      if (by === 'consume') client.consume(() => {}, { concurrency: 5 })
      if (by === 'messages') void client.messages()[Symbol.asyncIterator]().next()
      await clock.advance(10_000)
      expect(broker.locked.length).toBeGreaterThan(0)
      await client.close()
      await clock.advance(0)
      expect([broker.locked, bench.claimed, clock.sleepers]).toEqual([[], [], 0])
    }
  })

  it('in the middle of a try waits for its answer, so that nothing goes back claimed', async () => {
    const answer = Promise.withResolvers<void>()
    const released: string[] = []
    let isDown = true
    const claim = { confirm: async () => {}, release: async () => void released.push('claim'), renew: async () => {} }
    const crypto: MessageProtection = {
      open: () => ({
        protect: () => Promise.reject(new Error('nothing is sent')),
        async unprotect(messages) {
          if (isDown) return messages.map(() => heldFor())
          await answer.promise
          return messages.map(({ body }) => ({ body, seal: null, claim }))
        },
      }),
    }
    const { broker, client, clock, calls } = setScene({}, { crypto })
    broker.put('a')
    await codeOf(client.receive({ waitMs: 0 }))
    isDown = false
    await clock.advance(1_000)
    const closing = client.close()
    await clock.advance(500)
    expect([await stateOf(closing), calls.some(({ operation }) => operation === 'abandon')]).toEqual(['pending', false])
    answer.resolve()
    await closing
    expect([released, broker.locked]).toEqual([['claim'], []])
  })
})

describe('the order of a session (C15)', () => {
  it('is kept by a session that holds a message, also when the gate is open no more, and others are not kept waiting', async () => {
    const bench = setUp({ sessions: 'accept', sessionLockMs: minutes(10) })
    const { broker, client, clock } = bench
    bench.store = (text) => (text === 'a1' ? odd() : undefined)
    broker.put('a1', 'a')
    broker.put('a2', 'a')
    const handled: string[] = []
    client.consume((message) => void handled.push(message.text()), { sessions: true, concurrency: 2 })
    await clock.advance(minutes(1))
    broker.put('b1', 'b')
    await clock.advance(minutes(1))
    expect(handled).toEqual(['b1'])
    bench.store = up
    await clock.advance(minutes(1))
    expect([handled, broker.deliveries.get('a1')]).toEqual([['b1', 'a1', 'a2'], 1])
    await client.close()
    expect([broker.locked, broker.lockedSessions, bench.claimed]).toEqual([[], [], []])
  })

  it('costs no claim: what waits behind a held message is claimed meanwhile, and free when it goes back', async () => {
    const bench = setUp({ sessions: 'groups' })
    const { broker, client, clock } = bench
    bench.store = down
    broker.put('a', 's')
    broker.put('b', 's')
    expect(await codeOf(client.receiveBatch({ waitMs: 0 }))).toBe('KeyProviderError')
    bench.store = (text) => (text === 'a' ? heldFor() : undefined)
    await clock.advance(10_000)
    expect([bench.claimed, broker.locked]).toEqual([['b'], ['a', 'b']])
    await client.close()
    expect([bench.claimed, broker.locked]).toEqual([[], []])
  })

  it('has what is behind it go back with a held message whose lock is lost', async () => {
    let isLost = false
    const bench = setUp({
      sessions: 'groups',
      before({ operation, messageId }) {
        if (operation === 'renewLock' && isLost && messageId === 'm-1') throw new QueueError('MessageLockLost', 'gone')
      },
    })
    const { broker, client, clock } = bench
    bench.store = down
    broker.put('a', 's')
    broker.put('b', 's')
    broker.put('c')
    const handled: string[] = []
    client.consume((message) => void handled.push(message.text()), { sessions: true, concurrency: 3 })
    await clock.advance(10_000)
    isLost = true
    await clock.advance(10_000)
    expect(broker.locked).toEqual(['a', 'c'])
    bench.store = up
    await clock.advance(minutes(2))
    expect([handled, bench.claimed]).toEqual([['c', 'a', 'b'], []])
    await client.close()
  })
})

describe('the gate while messages are held', () => {
  const slowDown = (retryAfterMs: number): Unprotected => ({
    error: new QueueError('KeyProviderError', 'slow down', { retryAfterMs }),
    disposition: { action: 'hold' },
  })

  it('stays open until they are tried again, however long the store asks to wait', async () => {
    const bench = setUp()
    const { broker, client, clock, calls } = bench
    bench.store = () => slowDown(minutes(4))
    broker.put('a')
    broker.put('b')
    const consumer = client.consume(() => {})
    await clock.advance(minutes(4) - 1)
    expect([consumer.state, calls.filter(({ operation }) => operation === 'receive').length]).toEqual(['paused', 1])
    bench.store = up
    await clock.advance(10_000)
    expect(broker.completed).toEqual(['a', 'b'])
    await client.close()
  })

  it('moves with time again as soon as the last of them is back at the broker', async () => {
    const bench = setUp()
    const { broker, client, clock } = bench
    bench.store = () => slowDown(minutes(20))
    broker.put('a')
    client.consume(() => {}, { maxAutoRenewMs: 0 })
    await clock.advance(29_000)
    bench.store = up
    await clock.advance(2_000)
    expect(broker.completed).toEqual(['a'])
    await client.close()
  })

  it('moves with time again when the outage is over, though one is held that nothing heals', async () => {
    const bench = setUp()
    const { broker, client, clock } = bench
    bench.store = (text) => (text.startsWith('odd') ? odd() : heldFor())
    for (const text of ['odd', 'a', 'odd too', 'b', 'c']) broker.put(text)
    client.consume(() => {}, { concurrency: 2 })
    await clock.advance(10_000)
    bench.store = (text) => (text.startsWith('odd') ? odd() : undefined)
    await clock.advance(minutes(2))
    expect([broker.completed, broker.locked]).toEqual([
      ['a', 'b', 'c'],
      ['odd', 'odd too'],
    ])
    await client.close()
  })

  it('moves with time again while a consumer drains that tries nothing any more', async () => {
    const bench = setUp()
    const { broker, client, clock } = bench
    bench.store = (text) => (text === 'a' ? heldFor() : undefined)
    broker.put('slow')
    broker.put('a')
    const consumer = client.consume(() => clock.sleep(minutes(3)), { concurrency: 2, drainMs: minutes(3) })
    await clock.advance(5_000)
    expect(consumer.state).toBe('paused')
    const closing = consumer.close()
    broker.put('b')
    await clock.advance(31_000)
    expect((await client.receive({ waitMs: 0 }))?.text()).toBe('b')
    await clock.advance(minutes(3))
    await closing
    await client.close()
  })
})

describe('a try that changes something', () => {
  it('is followed by the next one a second later', async () => {
    const bench = setUp()
    const { broker, client, clock, asked } = bench
    for (const text of ['a', 'b']) broker.put(text)
    bench.store = down
    await codeOf(client.receiveBatch({ waitMs: 0 }))
    await clock.advance(14_000)
    bench.store = (text) => (text === 'a' ? undefined : heldFor())
    await clock.advance(4_500)
    expect(asked.map(({ at }) => at / 1_000)).toEqual([0, 1, 3, 7, 15, 16, 18])
    await client.close()
  })

  it('by telling another reason is followed by the pause that this one asks for', async () => {
    const bench = setUp()
    const { broker, client, clock, asked } = bench
    broker.put('a')
    const hint =
      (retryAfterMs: number): Store =>
      () => ({
        error: new QueueError('KeyProviderError', 'down', { retryAfterMs }),
        disposition: { action: 'hold' },
      })
    bench.store = hint(1_000)
    await codeOf(client.receive({ waitMs: 0 }))
    await clock.advance(500)
    bench.store = hint(20_000)
    await clock.advance(21_000)
    expect(asked.map(({ at }) => at / 1_000)).toEqual([0, 1, 21])
    await client.close()
  })

  it('by refusing a message lets the broker take its time, and calls no lock ended that did not', async () => {
    const bench = setUp({
      before: async ({ operation }) => {
        if (operation === 'deadLetter') await bench.clock.sleep(40_000)
      },
    })
    const { broker, client, clock, lines } = bench
    broker.put('a')
    bench.store = down
    await codeOf(client.receive({ waitMs: 0 }))
    bench.store = forged
    await clock.advance(50_000)
    expect(lines.filter((text) => text.startsWith('The lock of a held'))).toEqual([])
    await client.close()
  })
})

describe('what is held in the tick of a close (C21)', () => {
  it.each(Array.from({ length: 16 }, (_, index) => index))(
    '%i microtasks before it goes back all the same',
    async (microtasks) => {
      for (const sessions of ['accept', 'none'] as const) {
        const bench = setUp({ sessions })
        const { broker, client, clock } = bench
        bench.store = down
        const session = sessions === 'accept' ? await client.acceptSession({ sessionId: 's', waitMs: 0 }) : null
        const receiving = codeOf((session ?? client).receive({ waitMs: 60_000 }))
        await clock.advance(0)
        broker.put('a', 's')
        for (let passed = 0; passed < microtasks; passed += 1) await Promise.resolve()
        await (session ?? client).close()
        await receiving
        await clock.advance(0)
        expect([broker.locked, broker.lockedSessions, clock.sleepers]).toEqual([[], [], 0])
        await client.close()
      }
    },
  )

  it('of a process() goes back unclaimed, though the answer to a try comes late (protocol.md 5)', async () => {
    const log: string[] = []
    let isDown = true
    const claim = {
      confirm: async () => {},
      release: async () => void log.push('claim released'),
      renew: async () => {},
    }
    const scene: Scene = setScene(
      { before: ({ operation }) => void log.push(operation) },
      {
        crypto: {
          open: () => ({
            protect: () => Promise.reject(new Error('nothing is sent')),
            async unprotect(messages) {
              if (isDown) return messages.map(() => heldFor())
              await scene.clock.sleep(900)
              return messages.map(({ body }) => ({ body, seal: null, claim }))
            },
          }),
        },
      },
    )
    const { broker, client, clock } = scene
    broker.put('a')
    const { signal } = new AbortController()
    const deliveries = await broker.provider.open('orders').receive({ maxMessages: 1, waitMs: 0, signal })
    const stop = new AbortController()
    const reason = new Error('enough')
    const processing = client.process(deliveries, () => {}, { signal: stop.signal }).catch((error: unknown) => error)
    await clock.advance(500)
    isDown = false
    await clock.advance(1_000)
    stop.abort(reason)
    await clock.advance(900)
    expect(await processing).toBe(reason)
    expect([log, broker.locked]).toEqual([['receive', 'claim released', 'abandon'], []])
    await client.close()
  })
})

describe('the shelf', () => {
  it.each([0, 1, 2, 3, 4, 5, 6])(
    'does not call ended what is taken %i microtasks after its lock ended',
    async (microtasks) => {
      const ended = Promise.withResolvers<void>()
      let now = 0
      const clock = { now: () => now, sleep: () => ended.promise }
      const { delivery } = scriptedDelivery(fakeClock(), {}, 30_000)
      const lapsed: unknown[] = []
      const unsettled = createUnsettled(clock)
      const taking = createTaking({ queue: 'orders', watch: unwatched, unsettled })
      const shelf = createShelf({
        ...{ queue: 'orders', taking, clock, logger: resolveLogger(false), inBackground: () => {} },
        onLapse: (entry) => void lapsed.push(entry),
      })
      shelf.put({ delivery, verdict: heldFor() as Refused, claim: null }, 0)
      const [entry] = shelf.entries
      now = 30_000
      ended.resolve()
      for (let passed = 0; passed < microtasks; passed += 1) await Promise.resolve()
      const wasThere = entry !== undefined && shelf.entries.has(entry)
      if (entry !== undefined) shelf.remove(entry)
      await new Promise((resolve) => setImmediate(resolve))
      expect(lapsed.length).toBe(wasThere ? 0 : 1)
    },
  )
})
