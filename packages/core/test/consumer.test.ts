import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { type ConsumeOptions, isQueueError, QueueError } from '../src/index.ts'
import type { QueueProtection } from '../src/provider.ts'
import { aborted, gate, heldFor, setScene, stateOf } from './consuming-support.ts'

const down = (): QueueError => new QueueError('ConnectionFailed', 'down', { retryAfterMs: 1_000 })

describe('a consumer', () => {
  it('runs as many handlers at once as it may, and never one more, while messages wait (issue 4)', async () => {
    const { broker, client, clock } = setScene()
    let running = 0
    const seen: number[] = []
    const waiting: (() => void)[] = []
    const consumer = client.consume(
      async () => {
        running += 1
        seen.push(running)
        await new Promise<void>((resolve) => waiting.push(resolve))
        running -= 1
      },
      { concurrency: 3 },
    )
    for (let count = 0; count < 20; count += 1) broker.put(String(count))
    await clock.advance(0)
    while (waiting.length > 0) {
      expect(running).toBe(Math.min(3, broker.left.length))
      // It has what it works on, and nothing more.
      expect(broker.locked).toHaveLength(running)
      waiting.splice(1, 1)[0]?.() ?? waiting.shift()?.()
      await clock.advance(0)
    }
    expect([Math.max(...seen), broker.completed.length]).toEqual([3, 20])
    await consumer.close()
    expect(broker.violations).toEqual([])
  })

  it('pulls only what it can start (issue 4)', async () => {
    const asked: number[] = []
    const { broker, another, clock } = setScene()
    const client = another({
      provider: {
        name: 'asked',
        open(queue) {
          const transport = broker.provider.open(queue)
          return {
            ...transport,
            receive(options) {
              asked.push(options.maxMessages)
              return transport.receive(options)
            },
          }
        },
      },
    })
    const done = gate()
    const consumer = client.consume(() => done.promise, { concurrency: 5 })
    broker.put('1')
    await clock.advance(0)
    broker.put('2')
    broker.put('3')
    await clock.advance(0)
    expect(asked).toEqual([5, 4, 2])
    done.resolve()
    await consumer.close()
  })

  it('keeps the lock of a message for work that takes much longer than it (S12, edge case 20)', async () => {
    const { broker, client, clock } = setScene({ lockMs: 30_000 })
    const done = gate()
    let isAborted = false
    const consumer = client.consume(async (_, { signal }) => {
      await done.promise
      isAborted = signal.aborted
    })
    broker.put('slow')
    for (let count = 0; count < 29; count += 1) {
      await clock.advance(10_000)
      expect(broker.locked).toEqual(['slow'])
    }
    done.resolve()
    await clock.advance(0)
    await consumer.close()
    expect([isAborted, broker.completed, broker.deliveries.get('slow')]).toEqual([false, ['slow'], 1])
  })

  it('keeps it for no longer than it may, then tells the handler, and another delivery follows (S12)', async () => {
    const { broker, client, clock } = setScene()
    const codes: unknown[] = []
    const handler = async (_: unknown, { signal }: { signal: AbortSignal }): Promise<void> => {
      await aborted(signal)
      codes.push([signal.reason.code, clock.now() - start])
      throw signal.reason
    }
    const start = clock.now()
    const consumer = client.consume(handler, { maxAutoRenewMs: 60_000 })
    broker.put('endless')
    await clock.advance(100_000)
    // Renewed for the last time before the minute is over.
    expect(codes).toEqual([['MessageLockLost', 75_000]])
    expect(broker.deliveries.get('endless')).toBe(2)
    await consumer.close()
  })

  it('that renews nothing loses what takes longer than a lock (S12)', async () => {
    const { broker, client, clock, calls } = setScene()
    const reasons: unknown[] = []
    const consumer = client.consume(
      async (_, { signal }) => {
        await aborted(signal)
        reasons.push(signal.reason.code)
      },
      { maxAutoRenewMs: 0 },
    )
    broker.put('slow')
    await clock.advance(30_000)
    expect([reasons, calls.filter(({ operation }) => operation === 'renewLock')]).toEqual([['MessageLockLost'], []])
    await consumer.close()
    expect(broker.locked).toEqual([])
  })

  it('completes what its handler resolves, abandons what it throws with a growing delay, and dead-letters what is no JSON (issue 4)', async () => {
    const { broker, client, clock } = setScene()
    const at: number[] = []
    const start = clock.now()
    const consumer = client.consume((message) => {
      if (message.text() === 'bad JSON') return message.json()
      if (message.text() !== 'failing') return undefined
      at.push(clock.now() - start)
      if (at.length < 4) throw new Error('secret')
      return undefined
    })
    for (const text of ['fine', 'failing', 'bad JSON']) broker.put(text)
    await clock.advance(10_000)
    expect(at).toEqual([0, 1_000, 3_000, 7_000])
    expect([broker.completed, broker.letters]).toEqual([['fine', 'failing'], ['bad JSON']])
    await consumer.close()
  })

  it.each<[string, ConsumeOptions['onError'], 'letters' | 'completed' | 'left']>([
    ['a dead letter', () => ({ action: 'dead-letter', reason: 'app' }), 'letters'],
    ['completed', () => ({ action: 'complete' }), 'completed'],
    ['abandoned', () => ({ action: 'abandon', delayMs: 60_000 }), 'left'],
    ['abandoned, where it decides nothing', () => undefined, 'left'],
    [
      'abandoned, where it throws',
      () => {
        throw new Error('secret')
      },
      'left',
    ],
    ['abandoned, where it returns nonsense', () => ({ action: 'explode' }) as never, 'left'],
    ['abandoned, where the disposition cannot be executed', () => ({ action: 'dead-letter' }) as never, 'left'],
    ['abandoned, where the delay is none', () => ({ action: 'abandon', delayMs: -1 }) as never, 'left'],
  ])('makes of a failed message what onError says: %s', async (_, onError, where) => {
    const { broker, client, clock } = setScene()
    const consumer = client.consume(
      () => {
        throw new Error('secret')
      },
      { onError },
    )
    broker.put('failing')
    await clock.advance(10)
    expect([broker[where], broker.locked]).toEqual([['failing'], []])
    await consumer.close()
  })

  it('leaves what the handler settled, though it throws afterwards, or does not wait for it', async () => {
    const { broker, client, clock } = setScene({ before: () => clock.sleep(1) })
    const consumer = client.consume(async (message) => {
      if (message.text() === 'floating') {
        void message.complete()
        return
      }
      await message.abandon({ delayMs: 60_000 })
      throw new Error('later')
    })
    broker.put('floating')
    broker.put('abandoned')
    await clock.advance(100)
    expect([broker.completed, broker.left, broker.locked]).toEqual([['floating'], ['abandoned'], []])
    await consumer.close()
  })

  it('dead-letters poison before its handler sees it again (D8)', async () => {
    const { broker, client, another, clock } = setScene()
    const counts: number[] = []
    const consumer = another({ maxDeliveries: 2 }).consume(({ deliveryCount }) => {
      counts.push(deliveryCount)
      throw new Error('poison')
    })
    broker.put('poison')
    await clock.advance(60_000)
    expect([counts, broker.letters]).toEqual([[1, 2], ['poison']])
    await Promise.all([consumer.close(), client.close()])
  })

  it('tries to settle what was handled again, until the lock ends (issue 4)', async () => {
    let failures = 6
    const { broker, client, clock } = setScene({
      before: ({ operation }) => {
        if (operation === 'complete' && failures-- > 0) throw down()
      },
    })
    let handled = 0
    const consumer = client.consume(() => {
      handled += 1
    })
    broker.put('a')
    await clock.advance(60_000)
    expect([handled, broker.completed]).toEqual([1, ['a']])
    await consumer.close()
  })

  it('gives up where the lock ends before that', async () => {
    const { broker, client, clock, lines } = setScene({
      before: ({ operation }) => {
        if (operation === 'complete') throw down()
      },
    })
    const consumer = client.consume(() => {}, { maxAutoRenewMs: 0 })
    broker.put('a')
    await clock.advance(31_000)
    expect(broker.deliveries.get('a')).toBe(2)
    expect(lines.filter((line) => line === 'A message could not be settled and may come again')).toHaveLength(1)
    await Promise.all([consumer.close(), clock.advance(60_000)])
  })

  it('keeps the lock when it is to be renewed while the handler settles in vain', async () => {
    const { broker, client, clock } = setScene({
      async before({ operation }) {
        if (operation !== 'deadLetter') return
        await clock.sleep(10_000)
        throw down()
      },
    })
    const reasons: unknown[] = []
    const consumer = client.consume(async (message, { signal }) => {
      await clock.sleep(10_000)
      await message.deadLetter({ reason: 'app' }).catch(() => {})
      await clock.sleep(60_000)
      reasons.push(signal.aborted)
    })
    broker.put('a')
    await clock.advance(100_000)
    expect([reasons, broker.completed, broker.deliveries.get('a')]).toEqual([[false], ['a'], 1])
    await consumer.close()
  })

  it('tells a handler that its lock ended though the renewal hangs (S12)', async () => {
    const { broker, client, clock } = setScene({
      before: ({ operation }) => (operation === 'renewLock' ? new Promise(() => {}) : undefined),
    })
    const at: number[] = []
    const start = clock.now()
    const consumer = client.consume(async (_, { signal }) => {
      await aborted(signal)
      at.push(clock.now() - start)
    })
    broker.put('a')
    await clock.advance(40_000)
    expect(at).toEqual([30_000])
    await consumer.close()
  })

  it('leaves a broker that fails in peace for longer and longer (R1)', async () => {
    const { client, clock } = setScene({
      before: ({ operation }) => {
        if (operation === 'receive') at.push(clock.now() - start)
        throw new QueueError('ProviderError', 'down', {
          facts: { provider: 'small', providerCode: '503' },
          isTransient: true,
        })
      },
    })
    const at: number[] = []
    const start = clock.now()
    const consumer = client.consume(() => {})
    await clock.advance(14_000)
    expect(at).toEqual([0, 1_000, 3_000, 7_000])
    await consumer.close()
  })

  it('waits outages of the broker out, is paused meanwhile, and goes on (edge case 12)', async () => {
    let isDown = false
    const { broker, client, clock } = setScene({
      before: ({ operation }) => {
        if (isDown && operation === 'receive') throw down()
      },
    })
    const handled: string[] = []
    const consumer = client.consume((message) => void handled.push(message.text()))
    const states = [consumer.state]
    broker.put('a')
    await clock.advance(0)
    isDown = true
    broker.put('b')
    await clock.advance(20_000)
    broker.put('c')
    await clock.advance(0)
    states.push(consumer.state)
    isDown = false
    await clock.advance(120_000)
    states.push(consumer.state)
    expect(handled).toEqual(['a', 'b', 'c'])
    const closing = consumer.close()
    states.push(consumer.state)
    await closing
    states.push(consumer.state)
    expect(states).toEqual(['running', 'paused', 'running', 'stopping', 'stopped'])
    expect(await stateOf(consumer.finished)).toBe('resolved')
  })

  it.each(['none', 'accept'] as const)(
    'ends with what cannot heal, and says so in finished, once its handlers are through (sessions: %s)',
    async (sessions) => {
      const { broker, client, clock, lines } = setScene({
        sessions,
        before: ({ operation, sessionId }) => {
          const isLook = operation === 'acceptSession' || (operation === 'receive' && sessionId === undefined)
          if (isLook && isMissing) throw new QueueError('QueueNotFound', 'gone', { facts: { queue: 'orders' } })
        },
      })
      let isMissing = false
      const done = gate()
      const consumer = client.consume(() => done.promise, { sessions: sessions === 'accept', concurrency: 2 })
      broker.put('a', 's')
      await clock.advance(0)
      isMissing = true
      // The look that is under way ends with its wait.
      await clock.advance(20_000)
      expect([consumer.state, await stateOf(consumer.finished)]).toEqual(['failed', 'pending'])
      done.resolve()
      await expect(consumer.finished).rejects.toMatchObject({ code: 'QueueNotFound' })
      await consumer.close()
      expect([consumer.state, broker.completed, broker.locked, broker.lockedSessions]).toEqual([
        'failed',
        ['a'],
        [],
        [],
      ])
      expect(lines).toContain('The consumer failed')
      await client.close()
      expect(clock.sleepers).toBe(0)
    },
  )

  it('that is started with an aborted signal receives nothing and is over', async () => {
    const { broker, client, calls, clock } = setScene()
    broker.put('a')
    const consumer = client.consume(() => {}, { signal: AbortSignal.abort() })
    await consumer.finished
    await clock.advance(0)
    expect([consumer.state, calls]).toEqual(['stopped', []])
  })

  it('ends with its signal, and leaves no listener on it', async () => {
    const { broker, client, clock } = setScene()
    const stop = new AbortController()
    const handled: string[] = []
    const consumer = client.consume((message) => void handled.push(message.text()), { signal: stop.signal })
    broker.put('a')
    await clock.advance(0)
    expect(getEventListeners(stop.signal, 'abort')).toHaveLength(1)
    stop.abort()
    await consumer.finished
    broker.put('b')
    await clock.advance(60_000)
    expect([handled, consumer.state, getEventListeners(stop.signal, 'abort')]).toEqual([['a'], 'stopped', []])
  })

  it('is one of many that share a client, each with its own share of the messages', async () => {
    const { broker, client, clock } = setScene()
    const handled: string[] = []
    const consumers = [1, 2, 3].map(() => client.consume((message) => void handled.push(message.text())))
    for (let count = 0; count < 30; count += 1) {
      broker.put(String(count))
      await clock.advance(1)
    }
    expect(handled.map(Number)).toEqual(Array.from({ length: 30 }, (_, index) => index))
    await consumers[0]?.close()
    broker.put('late')
    await clock.advance(40_000)
    expect(handled.at(-1)).toBe('late')
    await client.close()
    expect([consumers.map(({ state }) => state), broker.violations]).toEqual([Array(3).fill('stopped'), []])
  })
})

describe('a handler that wants its message held', () => {
  const hold: ConsumeOptions = { onError: () => ({ action: 'hold' }) }

  it('is called again under the same lock, and nothing new is pulled meanwhile', async () => {
    const { broker, client, clock } = setScene()
    const at: [string, number][] = []
    const start = clock.now()
    const consumer = client.consume(
      (message) => {
        at.push([message.text(), clock.now() - start])
        if (clock.now() - start < 100_000) throw new Error('its database is down')
      },
      { ...hold, concurrency: 2 },
    )
    broker.put('a')
    // The look that was under way when it failed ends with its wait.
    await clock.advance(20_000)
    broker.put('b')
    await clock.advance(60_000)
    expect(consumer.state).toBe('paused')
    expect(at.every(([text]) => text === 'a')).toBe(true)
    await clock.advance(140_000)
    expect([broker.completed, broker.deliveries]).toEqual([
      ['a', 'b'],
      new Map([
        ['a', 1],
        ['b', 1],
      ]),
    ])
    expect(consumer.state).toBe('running')
    await consumer.close()
  })

  it('lets others in as soon as it succeeds', async () => {
    const { broker, client, clock } = setScene()
    const at: [string, number][] = []
    const start = clock.now()
    const consumer = client.consume((message) => {
      if (clock.now() - start < 2_000) throw new Error('its database is down')
      at.push([message.text(), clock.now() - start])
    }, hold)
    broker.put('a')
    broker.put('b')
    await clock.advance(10_000)
    expect(at).toEqual([
      ['a', 3_000],
      ['b', 3_000],
    ])
    await consumer.close()
  })

  it('loses it when its lock may be renewed no longer, and is not called again for it', async () => {
    const { broker, client, clock } = setScene()
    const counts = new Map<number, number>()
    const consumer = client.consume(
      ({ deliveryCount }) => {
        counts.set(deliveryCount, (counts.get(deliveryCount) ?? 0) + 1)
        throw new Error('down')
      },
      { ...hold, maxAutoRenewMs: 60_000 },
    )
    broker.put('a')
    await clock.advance(74_000)
    expect(broker.locked).toEqual(['a'])
    const calls = counts.get(1)
    await clock.advance(60_000)
    expect(counts.get(1)).toBe(calls)
    expect(broker.deliveries.get('a')).toBe(2)
    await consumer.close()
    expect(broker.locked).toEqual([])
  })

  it('gets it back to the queue when its consumer closes', async () => {
    const { broker, client, clock } = setScene()
    const consumer = client.consume(() => {
      throw new Error('down')
    }, hold)
    broker.put('a')
    await clock.advance(5_000)
    await consumer.close()
    expect([broker.left, broker.locked]).toEqual([['a'], []])
  })

  it('is not called again where it settled the message itself, and pauses nobody', async () => {
    const { broker, client, clock } = setScene()
    let calls = 0
    const consumer = client.consume(async (message) => {
      calls += 1
      await message.complete()
      throw new Error('too late')
    }, hold)
    broker.put('a')
    await clock.advance(120_000)
    expect([calls, consumer.state, broker.completed]).toEqual([1, 'running', ['a']])
    await consumer.close()
  })
})

describe('closing a consumer (C21, issue 4)', () => {
  it('tells its handlers, waits for them, and settles what they did', async () => {
    const { broker, client, clock } = setScene()
    const reasons: unknown[] = []
    const done = gate()
    const consumer = client.consume(
      async (message, { signal }) => {
        await aborted(signal)
        reasons.push(signal.reason.code)
        await done.promise
        if (message.text() === 'b') throw signal.reason
      },
      { concurrency: 2 },
    )
    for (const text of ['a', 'b', 'c']) broker.put(text)
    await clock.advance(0)
    const closing = consumer.close()
    await clock.advance(10_000)
    expect([consumer.state, await stateOf(closing), reasons]).toEqual([
      'stopping',
      'pending',
      ['ClientClosed', 'ClientClosed'],
    ])
    done.resolve()
    await closing
    expect([consumer.state, broker.completed, broker.left, broker.locked]).toEqual(['stopped', ['a'], ['b', 'c'], []])
    // What was given back because of the close waits for nobody.
    expect((await client.receive({ waitMs: 0 }))?.text()).toBe('b')
  })

  it('renews locks until its handlers are through', async () => {
    const { broker, client, clock } = setScene({ lockMs: 10_000 })
    const consumer = client.consume(() => clock.sleep(25_000))
    broker.put('a')
    await clock.advance(1_000)
    const closing = consumer.close()
    await clock.advance(30_000)
    await closing
    expect([broker.completed, broker.deliveries.get('a')]).toEqual([['a'], 1])
  })

  it('takes the messages of stuck handlers away after drainMs, and what they do later changes nothing', async () => {
    const { broker, client, clock } = setScene()
    const stuck = gate()
    const errors: unknown[] = []
    const consumer = client.consume(
      async (message) => {
        await stuck.promise
        await message.complete().catch((error: unknown) => errors.push(isQueueError(error) && error.code))
      },
      { drainMs: 5_000 },
    )
    broker.put('a')
    await clock.advance(0)
    const closing = consumer.close()
    await clock.advance(4_999)
    expect(await stateOf(closing)).toBe('pending')
    await clock.advance(1)
    await closing
    expect([broker.left, broker.locked]).toEqual([['a'], []])
    stuck.resolve()
    await clock.advance(60_000)
    expect([errors, broker.left, clock.sleepers]).toEqual([['ClientClosed'], ['a'], 0])
  })

  it('tries more than once to give such a message back', async () => {
    let failures = 2
    const { broker, client, clock } = setScene({
      before: ({ operation }) => {
        if (operation === 'abandon' && failures-- > 0) throw down()
      },
    })
    const consumer = client.consume(() => new Promise(() => {}), { drainMs: 0 })
    broker.put('a')
    await clock.advance(0)
    const closing = consumer.close()
    await clock.advance(5_000)
    await closing
    expect([broker.left, broker.locked, clock.sleepers]).toEqual([['a'], [], 0])
  })

  it('inside its handler waits for drainMs, and the handler goes on then', async () => {
    const { broker, client, clock } = setScene()
    const order: string[] = []
    const consumer = client.consume(
      async () => {
        await consumer.close()
        order.push('closed')
      },
      { drainMs: 1_000 },
    )
    broker.put('a')
    await clock.advance(1_000)
    expect([order, consumer.state, broker.left, broker.locked]).toEqual([['closed'], 'stopped', ['a'], []])
  })

  it('is idempotent, and the close of its client waits for it', async () => {
    const { broker, client, clock } = setScene()
    const consumer = client.consume(() => clock.sleep(5_000))
    broker.put('a')
    await clock.advance(0)
    const closing = Promise.all([consumer.close(), consumer.close(), client.close()])
    await clock.advance(5_000)
    await closing
    expect([broker.completed, consumer.state, clock.sleepers]).toEqual([['a'], 'stopped', 0])
    expect(() => client.consume(() => {})).toThrow(expect.objectContaining({ code: 'ClientClosed' }))
  })

  it('gives back at once what is delayed at a broker that cannot delay (C8)', async () => {
    const { broker, client, clock } = setScene({ abandonDelay: false })
    const consumer = client.consume(
      () => {
        throw new Error('later')
      },
      { onError: () => ({ action: 'abandon', delayMs: 60_000 }) },
    )
    broker.put('a')
    await clock.advance(10_000)
    expect(broker.locked).toEqual(['a'])
    await consumer.close()
    expect([broker.locked, broker.left, clock.sleepers]).toEqual([[], ['a'], 0])
    await client.close()
  })

  it('tries again to settle while it drains, and gives back what it could not', async () => {
    let isDown = true
    const { broker, client, clock } = setScene({
      before: ({ operation }) => {
        if (isDown && operation === 'complete') throw down()
      },
    })
    const consumer = client.consume(() => {}, { concurrency: 2, drainMs: 10_000 })
    broker.put('a')
    await clock.advance(2_500)
    const closing = consumer.close()
    await clock.advance(5_000)
    isDown = false
    await clock.advance(5_000)
    await closing
    expect([broker.completed, broker.locked]).toEqual([['a'], []])
  })

  it.each(['none', 'accept'] as const)('waits for no key store that hangs (sessions: %s)', async (sessions) => {
    let asked = 0
    const unprotect: QueueProtection['unprotect'] = async (messages) => {
      asked += 1
      if (asked > 1) await new Promise(() => {})
      return messages.map(() => heldFor())
    }
    const protect = () => Promise.reject(new Error('nothing is sent'))
    const scene = setScene({ sessions }, { crypto: { open: () => ({ protect, unprotect }) } })
    const { broker, client, clock } = scene
    const consumer = client.consume(() => {}, { sessions: sessions === 'accept' })
    broker.put('a', 's')
    await clock.advance(10_000)
    expect([asked, broker.locked]).toEqual([2, ['a']])
    const closing = Promise.all([consumer.close(), client.close()])
    await clock.advance(1_000)
    await closing
    expect([broker.locked, broker.lockedSessions, clock.sleepers]).toEqual([[], [], 0])
  })

  it('fifty times under load leaves no message locked, no timer and no listener', async () => {
    const { broker, client, clock } = setScene({ before: () => clock.sleep(1) })
    const stop = new AbortController()
    let put = 0
    for (let round = 0; round < 50; round += 1) {
      const consumer = client.consume(() => clock.sleep(round % 7), { concurrency: 4, signal: stop.signal })
      for (let count = 0; count < 6; count += 1) broker.put(String(put++))
      // Each time in another moment of its life.
      await clock.advance(round % 13)
      const closing = consumer.close()
      await clock.advance(60)
      await closing
      expect([broker.locked, clock.sleepers, getEventListeners(stop.signal, 'abort').length]).toEqual([[], 0, 0])
    }
    expect(broker.completed.length + broker.left.length).toBe(put)
    expect(broker.completed.length).toBeGreaterThan(50)
    expect(broker.violations).toEqual([])
    await client.close()
  })
})
