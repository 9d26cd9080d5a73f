import { describe, expect, it } from 'vitest'
import { type MessageProtection, type QueueClientOptions, QueueError } from '../src/index.ts'
import type { Claim, Delivery, QueueProtection, Unprotected } from '../src/provider.ts'
import { createJudge } from '../src/receiving/judge.ts'
import { scriptedDelivery } from './client-support.ts'
import { type Scene, setScene, stateOf, watchedClock } from './consuming-support.ts'

const never = new AbortController().signal

const opened = (claim: Claim | null = null): Unprotected => ({ body: new TextEncoder().encode('a'), seal: null, claim })

const protectionOf = (unprotect: QueueProtection['unprotect']): MessageProtection => ({
  open: () => ({ protect: () => Promise.reject(new Error('nothing is sent')), unprotect }),
})

/** A queue with the message `a`, and a client that opens it in `openMs` milliseconds. */
const slowScene = (openMs: () => number, options: Partial<QueueClientOptions> = {}): Scene => {
  const scene: Scene = setScene(
    {},
    {
      crypto: protectionOf(async (messages, { signal }) => {
        const ms = openMs()
        await (Number.isFinite(ms) ? scene.clock.sleep(ms, signal) : new Promise(() => {}))
        return messages.map(() => opened())
      }),
      ...options,
    },
  )
  scene.broker.put('a')
  return scene
}

describe('messages that take long to open (protocol.md 4.2)', () => {
  it.each([2_000, 20_000, 59_000])('%i ms are kept under their locks meanwhile, and handed over', async (openMs) => {
    const { broker, client, clock } = slowScene(() => openMs)
    const receiving = client.receive({ waitMs: 0 })
    await clock.advance(openMs)
    const message = await receiving
    expect(message?.text()).toBe('a')
    expect((message?.lockedUntil.getTime() ?? 0) - clock.now()).toBeGreaterThan(10_000)
    await message?.complete()
    await clock.advance(0)
    expect([broker.deliveries.get('a'), broker.completed, clock.sleepers]).toEqual([1, ['a'], 0])
    await client.close()
  })

  it('are held where the answer never comes: the outage costs them no delivery, and they come when it is over', async () => {
    let isDown = true
    const { broker, client, clock, lines } = slowScene(() => (isDown ? Number.POSITIVE_INFINITY : 0))
    const receiving = client.receive({ waitMs: 1_000 }).catch((error: QueueError) => [error.code, error.isTransient])
    await clock.advance(60_999)
    expect(await stateOf(receiving)).toBe('pending')
    await clock.advance(1)
    expect(await receiving).toEqual(['KeyProviderError', true])
    await expect(client.receive({ waitMs: 1_000 })).rejects.toMatchObject({ code: 'CircuitOpen' })
    expect([broker.locked, lines.filter((text) => text === 'Outage: intake pauses').length]).toEqual([['a'], 1])
    isDown = false
    const texts: string[] = []
    const iterating = (async () => {
      for await (const message of client.messages()) {
        texts.push(message.text())
        await message.complete()
      }
    })()
    await clock.advance(120_000)
    expect([texts, broker.deliveries.get('a')]).toEqual([['a'], 1])
    await client.close()
    await iterating
    await clock.advance(0)
    expect([broker.locked, clock.sleepers]).toEqual([[], 0])
  })

  it('are not kept where the consumer renews nothing (S12)', async () => {
    const { broker, client, clock } = slowScene(() => 20_000)
    const consumer = client.consume(() => {}, { maxAutoRenewMs: 0 })
    await clock.advance(20_000)
    expect([broker.completed, broker.deliveries.get('a')]).toEqual([['a'], 1])
    await consumer.close()
    const calls = slowScene(() => 40_000)
    const lazy = calls.client.consume(() => {}, { maxAutoRenewMs: 0 })
    await calls.clock.advance(40_000)
    expect(calls.calls.filter(({ operation }) => operation === 'renewLock')).toEqual([])
    await lazy.close()
  })

  it('keep their locks although one of the batch lost its own', async () => {
    const clock = watchedClock()
    const [lost, kept] = [scriptedDelivery(clock), scriptedDelivery(clock)]
    const gone: Delivery = {
      message: Object.defineProperty({ ...lost.delivery.message }, 'lockedUntil', {
        value: new Date(clock.now() + 16_000),
      }),
      complete: () => lost.delivery.complete(),
      abandon: (options) => lost.delivery.abandon(options),
      deadLetter: (reason) => lost.delivery.deadLetter(reason),
      renewLock: () => Promise.reject(new QueueError('MessageLockLost', 'gone')),
    }
    const unprotect: QueueProtection['unprotect'] = async (messages) => {
      await clock.sleep(50_000)
      return messages.map(() => opened())
    }
    const protection = protectionOf(unprotect).open({} as never)
    const judge = createJudge({ queue: 'orders', protection, maxDeliveries: undefined, clock })
    const judging = judge([gone, kept.delivery], never, 300_000)
    await clock.advance(50_000)
    await judging
    expect(kept.delivery.message.lockedUntil.getTime()).toBeGreaterThan(clock.now())
    await clock.advance(0)
    expect(clock.sleepers).toBe(0)
  })

  it('are not waited for once their call is aborted: they go back, unclaimed, and no timer stays (C6)', async () => {
    const released: string[] = []
    const claim: Claim = {
      confirm: async () => {},
      release: async () => void released.push('claim'),
      renew: async () => {},
    }
    const scene: Scene = setScene(
      {},
      {
        // It does not listen to the abort, and what it claims comes half a second later.
        crypto: protectionOf(async (messages) => {
          await scene.clock.sleep(10_500)
          return messages.map(() => opened(claim))
        }),
      },
    )
    const { broker, client, clock } = scene
    broker.put('a')
    const stop = new AbortController()
    const reason = new Error('enough')
    const receiving = client.receive({ waitMs: 0, signal: stop.signal })
    await clock.advance(10_000)
    stop.abort(reason)
    await expect(receiving).rejects.toBe(reason)
    await clock.advance(500)
    expect([released, broker.locked]).toEqual([['claim'], []])
    await client.close()
    await clock.advance(0)
    expect(clock.sleepers).toBe(0)
  })
})

describe('a protection that fails in place of an answer (protocol.md 4.2: any unexpected exception)', () => {
  it.each<[string, QueueProtection['unprotect']]>([
    ['rejects', () => Promise.reject(new TypeError('odd'))],
    [
      'throws',
      () => {
        throw new TypeError('odd')
      },
    ],
    ['answers with nothing', async () => undefined as never],
  ])('and %s has its messages held: they are not given back again and again', async (_, unprotect) => {
    const { broker, client, clock } = setScene({}, { crypto: protectionOf(unprotect) })
    broker.put('a')
    const consumer = client.consume(() => {})
    await clock.advance(120_000)
    expect([consumer.state, broker.locked, broker.deliveries.get('a')]).toEqual(['paused', ['a'], 1])
    await client.close()
    expect(broker.locked).toEqual([])
  })

  it('and whose abort is answered with another error rejects with the reason (C6)', async () => {
    const scene: Scene = setScene(
      {},
      {
        crypto: protectionOf((_, { signal }) =>
          scene.clock.sleep(60_000, signal).then(
            () => [],
            () => Promise.reject(new TypeError('odd')),
          ),
        ),
      },
    )
    const { broker, client, clock } = scene
    broker.put('a')
    const stop = new AbortController()
    const reason = new Error('enough')
    const receiving = client.receive({ signal: stop.signal })
    await clock.advance(10)
    stop.abort(reason)
    await expect(receiving).rejects.toBe(reason)
    await client.close()
    expect(broker.locked).toEqual([])
  })
})
