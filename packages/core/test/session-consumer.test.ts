import { describe, expect, it } from 'vitest'
import { type ConsumeOptions, type MessageHandler, QueueError } from '../src/index.ts'
import { aborted, deaf, gate, heldFor, protectionOf, type Scene, setScene, stateOf } from './consuming-support.ts'

const down = (): QueueError => new QueueError('ConnectionFailed', 'down', { retryAfterMs: 1_000 })

const consume = (
  scene: Pick<Scene, 'client'>,
  handler: MessageHandler,
  options: ConsumeOptions = {},
): ReturnType<Scene['client']['consume']> => scene.client.consume(handler, { sessions: true, ...options })

const putAll = ({ broker }: Scene, ...texts: readonly string[]): void => {
  for (const text of texts) broker.put(text, text.slice(0, 1))
}

describe.each(['accept', 'groups'] as const)('a consumer of sessions (broker: %s)', (sessions) => {
  it('handles the messages of each session in order, one at a time, and sessions side by side (C15, issue 4)', async () => {
    const scene = setScene({ sessions })
    const { broker, clock } = scene
    const running = new Set<string>()
    const most: number[] = []
    const handled: string[] = []
    const consumer = consume(
      scene,
      async ({ text, sessionId = '' }) => {
        expect(running).not.toContain(sessionId)
        running.add(sessionId)
        most.push(running.size)
        await clock.sleep(100)
        running.delete(sessionId)
        handled.push(text())
      },
      { concurrency: 3 },
    )
    for (let count = 0; count < 5; count += 1) putAll(scene, `a${count}`, `b${count}`, `c${count}`, `d${count}`)
    await clock.advance(20_000)
    for (const id of ['a', 'b', 'c', 'd']) {
      expect(handled.filter((text) => text.startsWith(id))).toEqual([0, 1, 2, 3, 4].map((count) => `${id}${count}`))
    }
    expect(Math.max(...most)).toBe(3)
    await consumer.close()
    expect([broker.left, broker.violations]).toEqual([[], []])
  })

  it('leaves no place empty while messages of other sessions wait', async () => {
    const scene = setScene({ sessions })
    const { clock } = scene
    const running: string[] = []
    const consumer = consume(
      scene,
      async (message) => {
        running.push(message.text())
        await clock.sleep(1_000_000)
      },
      { concurrency: 3 },
    )
    putAll(scene, 'a1', 'a2', 'a3', 'a4', 'b1', 'c1', 'd1')
    await clock.advance(0)
    expect(running.toSorted()).toEqual(['a1', 'b1', 'c1'])
    await Promise.all([consumer.close(), clock.advance(30_000)])
  })

  it('lets nothing of a session overtake a message whose handler failed (C15)', async () => {
    const scene = setScene({ sessions })
    const { clock } = scene
    const seen: string[] = []
    const consumer = consume(
      scene,
      ({ text, deliveryCount }) => {
        seen.push(`${text()} ${deliveryCount}`)
        if (text() === 'a2' && deliveryCount < 3) throw new Error('not yet')
      },
      { concurrency: 4 },
    )
    putAll(scene, 'a1', 'a2', 'a3', 'a4')
    await clock.advance(60_000)
    const inOrder = seen.map((line) => line.slice(0, 2))
    expect(inOrder).toEqual(['a1', 'a2', 'a2', 'a2', 'a3', 'a4'])
    await consumer.close()
  })

  it('keeps what works longer than its lock, and tells it when the lock is lost (S12, edge case 20)', async () => {
    let isLost = false
    const scene = setScene({
      sessions,
      sessionLockMs: 30_000,
      before: ({ operation }) => {
        if (isLost && /renew/.test(operation)) throw new QueueError('SessionLockLost', 'gone')
      },
    })
    const { broker, clock } = scene
    const reasons: unknown[] = []
    const consumer = consume(scene, async (_, { signal }) => {
      await aborted(signal)
      reasons.push(signal.reason.code)
    })
    putAll(scene, 'a1')
    await clock.advance(200_000)
    expect([reasons, broker.deliveries.get('a1')]).toEqual([[], 1])
    isLost = true
    await clock.advance(15_000)
    expect(reasons).toEqual(['SessionLockLost'])
    await Promise.all([consumer.close(), clock.advance(0)])
  })

  it('holds what cannot be opened, and what is behind it, and hands both over in order when the outage ends (protocol.md 4.2)', async () => {
    let isDown = true
    const scene = setScene(
      { sessions },
      { crypto: protectionOf((text) => (isDown && text.endsWith('2') ? heldFor() : undefined)) },
    )
    const { broker, clock } = scene
    const handled: string[] = []
    const consumer = consume(scene, (message) => void handled.push(message.text()), { concurrency: 4 })
    putAll(scene, 'a1', 'a2', 'a3', 'a4')
    await clock.advance(100_000)
    // A probe of the gate brings nothing that would overtake it.
    expect([handled, consumer.state]).toEqual([['a1'], 'paused'])
    isDown = false
    await clock.advance(100_000)
    expect(handled).toEqual(['a1', 'a2', 'a3', 'a4'])
    expect([...broker.deliveries.values()]).toEqual([1, 1, 1, 1])
    await consumer.close()
  })

  it('gives back what an outage holds behind a message whose handler failed', async () => {
    let isDown = true
    const scene = setScene(
      { sessions },
      { crypto: protectionOf((text) => (isDown && text === 'a2' ? heldFor() : undefined)) },
    )
    const { clock } = scene
    const handled: string[] = []
    const consumer = consume(
      scene,
      async ({ text, deliveryCount }) => {
        await clock.sleep(10_000)
        if (text() === 'a1' && deliveryCount === 1) throw new Error('not yet')
        handled.push(text())
      },
      { concurrency: 4 },
    )
    putAll(scene, 'a1', 'a2', 'a3')
    await clock.advance(5_000)
    isDown = false
    await clock.advance(200_000)
    expect(handled).toEqual(['a1', 'a2', 'a3'])
    await consumer.close()
  })

  it('waits for what its handler settles without waiting for it', async () => {
    const scene = setScene({
      sessions,
      before: ({ operation }) => (operation === 'complete' ? scene.clock.sleep(100) : undefined),
    })
    const { clock, broker, calls } = scene
    const consumer = consume(scene, (message) => void message.complete(), { concurrency: 4 })
    putAll(scene, 'a1', 'a2', 'a3')
    await clock.advance(900)
    expect([broker.completed, [...broker.deliveries.values()]]).toEqual([
      ['a1', 'a2', 'a3'],
      [1, 1, 1],
    ])
    // The same session all the time, and the look for another one.
    expect(calls.filter(({ operation }) => operation === 'acceptSession').length).toBeLessThan(3)
    await consumer.close()
  })

  it('waits no longer for a settlement once it has given the message back (C21)', async () => {
    const scene = setScene({
      sessions,
      before: ({ operation }) => {
        if (operation === 'complete') throw new QueueError('ConnectionFailed', 'down', { retryAfterMs: 60_000 })
      },
    })
    const { clock, broker } = scene
    const consumer = consume(scene, () => {}, { drainMs: 1_000 })
    putAll(scene, 'a1')
    await clock.advance(10_000)
    const closing = consumer.close()
    await clock.advance(1_000)
    await closing
    await clock.advance(0)
    expect([broker.left, broker.locked, broker.lockedSessions, clock.sleepers]).toEqual([['a1'], [], [], 0])
  })

  it.each([
    ['held', { a1: 'abandon', a2: 'hold' }],
    ['refused for now', { a1: 'hold', a2: 'abandon' }],
    ['good', { a1: 'abandon' }],
  ] as const)('lets no message overtake one that goes back, though it is %s itself (C15)', async (_, first) => {
    const verdicts: Partial<Record<string, 'abandon' | 'hold'>> = { ...first }
    const error = new QueueError('KeyNotFound', 'no', { facts: { keyId: 'k' } })
    const crypto = protectionOf((text) => {
      const verdict = verdicts[text]
      delete verdicts[text]
      if (verdict === 'hold') return heldFor()
      return verdict && { error, disposition: { action: 'abandon', delayMs: 5_000 } }
    })
    const scene = setScene({ sessions }, { crypto })
    const handled: string[] = []
    const consumer = consume(scene, (message) => void handled.push(message.text()), { concurrency: 4 })
    putAll(scene, 'a1', 'a2', 'a3')
    await scene.clock.advance(200_000)
    expect(handled).toEqual(['a1', 'a2', 'a3'])
    await consumer.close()
  })

  it('lets no message overtake one whose lock ended while both were held (C15)', async () => {
    let isDown = true
    const scene = setScene(
      {
        sessions,
        before: ({ operation, messageId }) => {
          if (operation === 'renewLock' && messageId === 'm-1') throw new QueueError('MessageLockLost', 'gone')
        },
      },
      { crypto: protectionOf(() => (isDown ? heldFor() : undefined)) },
    )
    const handled: string[] = []
    const consumer = consume(scene, (message) => void handled.push(message.text()), { concurrency: 4 })
    putAll(scene, 'a1', 'a2')
    await scene.clock.advance(40_000)
    isDown = false
    await scene.clock.advance(200_000)
    expect(handled).toEqual(['a1', 'a2'])
    await consumer.close()
  })

  it('gives it back at once, however long the outage lasts', async () => {
    let isDown = true
    const scene = setScene(
      { sessions },
      { crypto: protectionOf((text) => (isDown && text === 'a2' ? heldFor() : undefined)) },
    )
    const { clock, broker } = scene
    const handled: string[] = []
    const consumer = consume(
      scene,
      async ({ text, deliveryCount }) => {
        await clock.sleep(10_000)
        if (text() === 'a1' && deliveryCount === 1) throw new Error('not yet')
        handled.push(text())
      },
      { concurrency: 4 },
    )
    putAll(scene, 'a1', 'a2', 'a3')
    await clock.advance(10_500)
    expect(broker.locked).toEqual([])
    await clock.advance(60_000)
    isDown = false
    await clock.advance(200_000)
    expect(handled).toEqual(['a1', 'a2', 'a3'])
    await consumer.close()
  })

  it('runs one handler of a session although another message of it is ready beside it', async () => {
    let isDown = true
    const scene = setScene(
      { sessions },
      { crypto: protectionOf((text) => (isDown && text === 'a2' ? heldFor() : undefined)) },
    )
    const { clock } = scene
    let running = 0
    const most: number[] = []
    const consumer = consume(
      scene,
      async () => {
        running += 1
        most.push(running)
        await clock.sleep(100_000)
        running -= 1
      },
      { concurrency: 4 },
    )
    putAll(scene, 'a1', 'a2', 'a3')
    await clock.advance(5_000)
    isDown = false
    await clock.advance(400_000)
    expect(most).toEqual([1, 1, 1])
    await consumer.close()
  })

  it.each([0, 1, 50, 500, 5_000])('closes %i ms after its start with nothing locked (C21)', async (ms) => {
    const scene = setScene({ sessions, before: () => scene.clock.sleep(20) })
    const { broker, clock, client } = scene
    const consumer = consume(
      scene,
      async ({ text }) => {
        await clock.sleep(300)
        if (text().endsWith('2')) throw new Error('failed')
      },
      { concurrency: 2, onError: () => ({ action: 'abandon', delayMs: 60_000 }) },
    )
    putAll(scene, 'a1', 'b1', 'a2', 'b2', 'c1', 'a3')
    await clock.advance(ms)
    const closing = consumer.close()
    await clock.advance(10_000)
    await closing
    expect([broker.locked, broker.lockedSessions, clock.sleepers]).toEqual([[], [], 0])
    await client.close()
  })

  it('gives back a message that is held for an outage when it closes (C21)', async () => {
    const scene = setScene({ sessions }, { crypto: protectionOf(() => heldFor()) })
    const { broker, clock } = scene
    const consumer = consume(scene, () => {})
    putAll(scene, 'a1', 'a2')
    await clock.advance(10_000)
    expect(broker.locked.length).toBeGreaterThan(0)
    await consumer.close()
    expect([broker.locked, broker.lockedSessions, broker.left, clock.sleepers]).toEqual([[], [], ['a1', 'a2'], 0])
  })

  it('takes the session of a stuck handler away after drainMs (C21)', async () => {
    const scene = setScene({ sessions })
    const { broker, clock } = scene
    const consumer = consume(scene, () => new Promise(() => {}), { drainMs: 1_000 })
    putAll(scene, 'a1', 'a2')
    await clock.advance(0)
    const closing = consumer.close()
    await clock.advance(1_000)
    await closing
    expect([broker.locked, broker.lockedSessions, clock.sleepers]).toEqual([[], [], 0])
  })

  it('keeps its locks while the client closes and handlers end their work (S12, C21)', async () => {
    const scene = setScene({ sessions, lockMs: 10_000, sessionLockMs: 10_000 })
    const { broker, clock, client } = scene
    const consumer = consume(scene, () => clock.sleep(25_000))
    putAll(scene, 'a1', 'a2')
    await clock.advance(1_000)
    const closing = client.close()
    await clock.advance(30_000)
    await closing
    expect([broker.completed, broker.deliveries.get('a1'), broker.locked, broker.lockedSessions]).toEqual([
      ['a1'],
      1,
      [],
      [],
    ])
    expect(consumer.state).toBe('stopped')
  })

  it('never overlaps with another consumer of the same sessions', async () => {
    const scene = setScene({ sessions })
    const { broker, clock, another } = scene
    const handled: string[] = []
    const running = new Set<string>()
    const handler: MessageHandler = async ({ text, sessionId = '' }) => {
      expect(running).not.toContain(sessionId)
      running.add(sessionId)
      await clock.sleep(10)
      running.delete(sessionId)
      handled.push(text())
    }
    const consumers = [another(), another()].map((client) =>
      client.consume(handler, { sessions: true, concurrency: 2 }),
    )
    for (let count = 0; count < 20; count += 1) {
      putAll(scene, ...['a', 'b', 'c', 'd', 'e'].map((id) => `${id}${count}`))
      await clock.advance(30)
    }
    await clock.advance(60_000)
    expect(handled).toHaveLength(100)
    for (const id of ['a', 'b', 'c', 'd', 'e']) {
      const counts = handled.filter((text) => text.startsWith(id)).map((text) => Number(text.slice(1)))
      expect(counts).toEqual(counts.toSorted((a, b) => a - b))
    }
    await Promise.all(consumers.map((consumer) => consumer.close()))
    expect(broker.lockedSessions).toEqual([])
  })
})

describe('a session that a consumer holds', () => {
  it('keeps a thousand messages in order under one lock (edge case 8)', async () => {
    const scene = setScene({ sessions: 'accept' })
    const { clock, calls, broker } = scene
    const handled: string[] = []
    const consumer = consume(scene, async (message) => {
      await clock.sleep(100)
      handled.push(message.text())
    })
    const texts = Array.from({ length: 1_000 }, (_, index) => `a${index}`)
    putAll(scene, ...texts)
    await clock.advance(101_000)
    expect(handled).toEqual(texts)
    // The second is the wait for the next one.
    expect(calls.filter(({ operation }) => operation === 'acceptSession')).toHaveLength(2)
    expect([...broker.deliveries.values()].every((count) => count === 1)).toBe(true)
    await consumer.close()
  })

  it('is let go when it has had no message for 200 ms, so that another gets its place', async () => {
    const scene = setScene({ sessions: 'accept' })
    const { broker, clock } = scene
    const handled: string[] = []
    const consumer = consume(scene, (message) => void handled.push(message.text()))
    putAll(scene, 'a1', 'b1')
    await clock.advance(100)
    putAll(scene, 'a2')
    await clock.advance(199)
    expect([handled, broker.lockedSessions]).toEqual([['a1', 'a2'], ['a']])
    await clock.advance(1)
    expect([handled, broker.lockedSessions]).toEqual([['a1', 'a2', 'b1'], ['b']])
    await consumer.close()
  })

  it('that never is without messages does not keep the others from the other places', async () => {
    const scene = setScene({ sessions: 'accept' })
    const { clock } = scene
    const handled: string[] = []
    const consumer = consume(
      scene,
      async (message) => {
        await clock.sleep(100)
        handled.push(message.text())
      },
      { concurrency: 2 },
    )
    for (let count = 0; count < 60; count += 1) putAll(scene, `h${count}`)
    putAll(scene, 'a1', 'b1', 'c1')
    await clock.advance(5_000)
    expect(handled).toEqual(expect.arrayContaining(['a1', 'b1', 'c1']))
    expect(handled.length).toBeLessThan(63)
    await clock.advance(5_000)
    expect(handled).toHaveLength(63)
    await consumer.close()
  })

  it('that is stolen stops its handler, and what is not done comes from the new owner on (edge case 6)', async () => {
    const scene = setScene({ sessions: 'accept' })
    const { broker, clock, lines } = scene
    const reasons: unknown[] = []
    const consumer = consume(scene, async ({ text }, { signal }) => {
      if (text() !== 'a2') return
      await aborted(signal)
      reasons.push(signal.reason.code)
    })
    putAll(scene, 'a1', 'a2', 'a3')
    await clock.advance(0)
    broker.steal('a')
    await clock.advance(30_000)
    expect(reasons).toEqual(['SessionLockLost'])
    expect([broker.completed, broker.left, broker.lockedSessions]).toEqual([['a1'], ['a2', 'a3'], ['a']])
    expect(lines).toContain('A session ended early')
    await consumer.close()
    // The close of a former holder frees nothing.
    expect(broker.lockedSessions).toEqual(['a'])
  })

  it('goes back where a message could be neither done nor given back: nothing may overtake it (C15)', async () => {
    let isDown = true
    const scene = setScene({
      sessions: 'accept',
      before: ({ operation, messageId }) => {
        if (isDown && operation === 'abandon' && messageId === 'm-1') throw new QueueError('PermissionDenied', 'no')
      },
    })
    const { clock } = scene
    const handled: string[] = []
    const consumer = consume(scene, ({ text, deliveryCount }) => {
      handled.push(`${text()} ${deliveryCount}`)
      if (text() === 'a1' && deliveryCount === 1) throw new Error('not yet')
    })
    putAll(scene, 'a1', 'a2')
    await clock.advance(0)
    isDown = false
    await clock.advance(60_000)
    expect(handled).toEqual(['a1 1', 'a1 2', 'a2 1'])
    await consumer.close()
  })

  it('goes back where a refused message could not be settled (C15, D6)', async () => {
    let isDown = true
    const refusal = {
      error: new QueueError('KeyNotFound', 'no key', { facts: { keyId: 'k' } }),
      disposition: { action: 'abandon', delayMs: 5_000 },
    } as const
    const scene = setScene(
      {
        sessions: 'accept',
        before: ({ operation, messageId }) => {
          if (isDown && operation === 'abandon' && messageId === 'm-1') throw down()
        },
      },
      { crypto: protectionOf((text, count) => (text === 'a1' && count === 1 ? refusal : undefined)) },
    )
    const { clock } = scene
    const handled: string[] = []
    const consumer = consume(scene, (message) => void handled.push(message.text()))
    putAll(scene, 'a1', 'a2')
    await clock.advance(0)
    isDown = false
    await clock.advance(60_000)
    expect(handled).toEqual(['a1', 'a2'])
    await consumer.close()
  })

  it('is kept when a message of it is refused, since another may follow', async () => {
    const refusal = {
      error: new QueueError('AuthenticationFailed', 'no'),
      disposition: { action: 'dead-letter', reason: 'qr.rejected' },
    } as const
    const scene = setScene(
      { sessions: 'accept' },
      { crypto: protectionOf((text) => (text === 'a1' ? refusal : undefined)) },
    )
    const { clock, broker, calls } = scene
    const consumer = consume(scene, () => {})
    putAll(scene, 'a1', 'a2')
    await clock.advance(100)
    expect([broker.letters, broker.completed]).toEqual([['a1'], ['a2']])
    expect(calls.filter(({ operation }) => operation === 'acceptSession')).toHaveLength(1)
    await consumer.close()
  })

  it('is kept for as long as a message of it waits for its delay, where the broker cannot delay (C8, C15)', async () => {
    const scene = setScene({ sessions: 'accept', abandonDelay: false })
    const { clock } = scene
    const start = clock.now()
    const seen: unknown[] = []
    const consumer = consume(
      scene,
      ({ text, deliveryCount }) => {
        seen.push([text(), clock.now() - start])
        if (text() === 'a1' && deliveryCount < 3) throw new Error('not yet')
      },
      { onError: () => ({ action: 'abandon', delayMs: 35_000 }) },
    )
    putAll(scene, 'a1', 'a2')
    await clock.advance(200_000)
    expect(seen).toEqual([
      ['a1', 0],
      ['a1', 35_000],
      ['a1', 70_000],
      ['a2', 70_000],
    ])
    await consumer.close()
  })

  it('gives nothing to overtake what could not be given back after its delay (C8, C15)', async () => {
    let failures = 2
    const scene = setScene({
      sessions: 'accept',
      abandonDelay: false,
      before: ({ operation }) => {
        if (operation === 'abandon' && failures-- > 0) throw down()
      },
    })
    const seen: string[] = []
    const consumer = consume(scene, ({ text, deliveryCount }) => {
      seen.push(text())
      if (text() === 'a1' && deliveryCount === 1) throw new Error('not yet')
    })
    putAll(scene, 'a1', 'a2')
    await scene.clock.advance(30_000)
    expect(seen).toEqual(['a1', 'a1', 'a2'])
    await consumer.close()
  })

  it('gives back what it delays as soon as its consumer closes (C8, C21)', async () => {
    const scene = setScene({ sessions: 'accept', abandonDelay: false })
    const { clock, broker } = scene
    const consumer = consume(
      scene,
      () => {
        throw new Error('not yet')
      },
      { onError: () => ({ action: 'abandon', delayMs: 35_000 }) },
    )
    putAll(scene, 'a1', 'a2')
    await clock.advance(10_000)
    await consumer.close()
    expect([broker.locked, broker.lockedSessions, clock.sleepers]).toEqual([[], [], 0])
  })

  it.each([
    ['waits to accept', { operation: 'acceptSession' }],
    ['receives', { operation: 'receive' }],
    ['settles', { operation: 'complete' }],
    ['lets a session go', { operation: 'closeSession' }],
  ] as const)('leaves no lock behind where its consumer closes while it %s', async (_, { operation }) => {
    const scene = setScene({
      sessions: 'accept',
      before: (call) => (call.operation === operation ? scene.clock.sleep(2_000) : undefined),
    })
    const { clock, broker } = scene
    const consumer = consume(scene, () => {})
    putAll(scene, 'a1', 'a2')
    const isThere = (): boolean => scene.calls.some((call) => call.operation === operation)
    for (let ms = 0; ms < 20_000 && !isThere(); ms += 100) await clock.advance(100)
    expect(isThere()).toBe(true)
    const closing = consumer.close()
    await clock.advance(10_000)
    await closing
    expect([broker.locked, broker.lockedSessions, clock.sleepers]).toEqual([[], [], 0])
  })

  it('is let go where it comes in the very tick of the close', async () => {
    const scene = setScene({ sessions: 'accept' })
    const { clock, broker, another } = scene
    const consumer = consume({ client: another({ provider: deaf(broker.provider) }) }, () => {})
    await clock.advance(0)
    putAll(scene, 'a1')
    await consumer.close()
    expect([broker.locked, broker.lockedSessions]).toEqual([[], []])
    await clock.advance(0)
    expect([broker.locked, broker.lockedSessions, clock.sleepers]).toEqual([[], [], 0])
  })

  it('is asked for again when the outage is over, without knocking at a gate that is shut (edge case 12)', async () => {
    let isDown = true
    const scene = setScene({
      sessions: 'accept',
      before: ({ operation }) => {
        if (isDown && operation === 'acceptSession') throw down()
      },
    })
    const { clock, calls, lines } = scene
    const handled: string[] = []
    const consumer = consume(scene, (message) => void handled.push(message.text()))
    putAll(scene, 'a1')
    await clock.advance(100_000)
    expect(consumer.state).toBe('paused')
    // Five until it opens, then one each 30 s; the gate that is shut is no failure of its own.
    expect(calls.length).toBeLessThan(10)
    expect(lines.filter((line) => line === 'Receiving failed')).toHaveLength(calls.length)
    isDown = false
    await clock.advance(60_000)
    expect([handled, consumer.state]).toEqual([['a1'], 'running'])
    await consumer.close()
  })

  it('is one of a broker that comes back early with none, which leaves the process free', async () => {
    const scene = setScene({ sessions: 'accept' })
    const client = scene.another({
      provider: {
        name: 'early',
        open: (queue) => ({ ...scene.broker.provider.open(queue), acceptSession: async () => null }),
      },
    })
    const consumer = client.consume(() => {}, { sessions: true })
    await new Promise((resolve) => setTimeout(resolve, 5))
    await consumer.close()
    expect(await stateOf(consumer.finished)).toBe('resolved')
  })
})

describe('fifty consumers of sessions, one after the other', () => {
  it('leave neither lock nor timer, and no message is lost (C21)', async () => {
    const scene = setScene({ sessions: 'accept', before: () => scene.clock.sleep(1) })
    const { broker, clock, client } = scene
    let put = 0
    for (let round = 0; round < 50; round += 1) {
      const consumer = consume(scene, () => clock.sleep(round % 5), { concurrency: 3 })
      for (let count = 0; count < 6; count += 1) broker.put(String(put++), `s${count % 4}`)
      await clock.advance(round % 17)
      const closing = consumer.close()
      await clock.advance(100)
      await closing
      expect([broker.locked, broker.lockedSessions, clock.sleepers]).toEqual([[], [], 0])
    }
    expect(broker.completed.length + broker.left.length).toBe(put)
    expect(broker.completed.length).toBeGreaterThan(30)
    const closing = client.close()
    await clock.advance(100)
    await closing
  })

  it('wait for a handler that ends its work', async () => {
    const scene = setScene({ sessions: 'accept' })
    const done = gate()
    const consumer = consume(scene, () => done.promise)
    putAll(scene, 'a1', 'a2')
    await scene.clock.advance(0)
    const closing = consumer.close()
    await scene.clock.advance(1_000)
    expect(await stateOf(closing)).toBe('pending')
    done.resolve()
    await closing
    expect([scene.broker.completed, scene.broker.left, scene.broker.lockedSessions]).toEqual([['a1'], ['a2'], []])
  })
})
