import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { createQueueClient, type QueueClientOptions, QueueError } from '../src/index.ts'
import type { Delivery, IncomingMessage } from '../src/provider.ts'
import { providerOf, scriptedDelivery, transportOf } from './client-support.ts'
import { aborted, gate, heldFor, protectionOf, stateOf, watchedClock } from './consuming-support.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** A client of a host that pushes, and deliveries that write down how they were settled. */
const setUp = (options: Partial<QueueClientOptions> = {}) => {
  const clock = watchedClock()
  const client = createQueueClient({
    ...{ provider: providerOf(transportOf()), queue: 'orders', clock, retry: { jitter: 0 }, logger: false },
    ...options,
  })
  const asked = new Map<string, string[]>()
  const push = (text: string, fields: Partial<IncomingMessage> = {}, lockMs?: number): Delivery => {
    const made = scriptedDelivery(clock, { messageId: text, body: bytes(text), ...fields }, lockMs)
    asked.set(text, made.asked)
    return made.delivery
  }
  /** How each was settled, renewals left out. */
  const settled = (): Record<string, string> =>
    Object.fromEntries(Array.from(asked, ([text, all]) => [text, all.filter((one) => one !== 'renew').join()]))
  return { clock, client, push, settled, asked }
}

const inSession = (sessionId: string): Partial<IncomingMessage> => ({ sessionId })

describe('deliveries that a host pushed', () => {
  it('are handled, so many at once, and each is settled by what became of it (issue 4)', async () => {
    const { client, push, settled } = setUp()
    let running = 0
    let most = 0
    await client.process(
      ['good', 'bad', 'JSON', 'settled', 'also good'].map((text) => push(text)),
      async (message) => {
        running += 1
        most = Math.max(most, running)
        await new Promise((resolve) => setImmediate(resolve))
        running -= 1
        if (message.text() === 'bad') throw new Error('secret')
        if (message.text() === 'settled') await message.deadLetter({ reason: 'app' })
        if (message.text() === 'JSON') message.json()
      },
      { concurrency: 3 },
    )
    expect(most).toBe(3)
    expect(settled()).toEqual({
      good: 'complete',
      bad: 'abandon 1000',
      JSON: 'dead-letter qr.invalid-body',
      settled: 'dead-letter app',
      'also good': 'complete',
    })
  })

  it.each([
    ['deliveries', undefined],
    ['deliveries', 'text'],
    ['deliveries[0]', [{}]],
    ['deliveries[0]', [null]],
  ])('are refused by name where they are none: %s (C23)', async (field, deliveries) => {
    const { client } = setUp()
    const wrong = deliveries as unknown as Delivery[]
    await expect(client.process(wrong, () => {})).rejects.toMatchObject({ code: 'Configuration', facts: { field } })
  })

  it('may be none', async () => {
    const { client } = setUp()
    await expect(client.process([], () => {})).resolves.toBeUndefined()
  })

  it('of one session are handled in order, and what is behind a failed one goes back (C15)', async () => {
    const { client, push, settled, clock } = setUp()
    const handled: string[] = []
    const running = new Set<string>()
    const deliveries = ['a1', 'b1', 'a2', 'b2', 'a3', 'b3'].map((text) => push(text, inSession(text.slice(0, 1))))
    const processing = client.process(
      deliveries,
      async ({ text, sessionId = '' }) => {
        expect(running).not.toContain(sessionId)
        running.add(sessionId)
        await clock.sleep(10)
        running.delete(sessionId)
        handled.push(text())
        if (text() === 'a2') throw new Error('failed')
      },
      { concurrency: 10 },
    )
    await clock.advance(1_000)
    await processing
    expect(handled).toEqual(['a1', 'b1', 'a2', 'b2', 'b3'])
    expect(settled()).toMatchObject({ a1: 'complete', a2: 'abandon 1000', a3: 'abandon 0', b3: 'complete' })
  })

  it('are kept under their locks while they wait for their turn and while they are handled (S12, edge case 20)', async () => {
    const { client, push, settled, clock, asked } = setUp()
    const processing = client.process(
      ['1', '2', '3'].map((text) => push(text)),
      () => clock.sleep(100_000),
    )
    await clock.advance(300_000)
    await processing
    expect(settled()).toEqual({ 1: 'complete', 2: 'complete', 3: 'complete' })
    expect(asked.get('3')?.filter((one) => one === 'renew').length).toBeGreaterThan(10)
  })

  it.each([
    ['is not supported', () => Promise.reject(new QueueError('Unsupported', 'no', { facts: { feature: 'renew' } }))],
    [
      'throws',
      () => {
        throw new Error('no')
      },
    ],
    ['hangs', () => new Promise<never>(() => {})],
  ])('whose renewal %s are told when their lock ends', async (_, renewLock) => {
    const { client, push, clock } = setUp()
    const start = clock.now()
    const at: unknown[] = []
    const processing = client.process([{ ...push('1'), renewLock }], async (_, { signal }) => {
      await aborted(signal)
      at.push([signal.reason.code, clock.now() - start])
    })
    await clock.advance(60_000)
    await processing
    expect([at, clock.sleepers]).toEqual([[['MessageLockLost', 30_000]], 0])
  })

  it('are not renewed with maxAutoRenewMs 0, and not handled once their lock is gone (S12)', async () => {
    const { client, push, clock, asked } = setUp()
    const handled: string[] = []
    const processing = client.process(
      ['1', '2'].map((text) => push(text)),
      async (message) => {
        handled.push(message.text())
        await clock.sleep(40_000)
      },
      { maxAutoRenewMs: 0 },
    )
    await clock.advance(100_000)
    await processing
    // Whether a broker takes that back so late is its affair.
    expect([handled, asked.get('2')]).toEqual([['1'], ['abandon 0']])
    expect(asked.get('1')).not.toContain('renew')
  })

  it('that could not be settled for a while are tried again', async () => {
    const { client, push, settled, clock } = setUp()
    let failures = 2
    const delivery = push('1')
    const processing = client.process(
      [
        {
          ...delivery,
          async complete() {
            if (failures-- > 0) throw new QueueError('ConnectionFailed', 'down')
            await delivery.complete()
          },
        },
      ],
      () => {},
    )
    await clock.advance(20_000)
    await processing
    expect(settled()).toEqual({ 1: 'complete' })
  })

  it('that are poison or refused never reach the handler, and do not hide the others (D8, X28)', async () => {
    const refusal = {
      error: new QueueError('AuthenticationFailed', 'no'),
      disposition: { action: 'dead-letter', reason: 'qr.rejected' },
    } as const
    const { client, push, settled } = setUp({
      maxDeliveries: 3,
      crypto: protectionOf((text) => (text === 'forged' ? refusal : undefined)),
    })
    const handled: string[] = []
    await client.process([push('poison', { deliveryCount: 4 }), push('forged'), push('good')], (message) => {
      handled.push(message.text())
    })
    expect([handled, settled()]).toEqual([
      ['good'],
      { poison: 'dead-letter qr.max-deliveries', forged: 'dead-letter qr.rejected', good: 'complete' },
    ])
  })
})

describe('an outage while pushed deliveries are processed (protocol.md 4.2)', () => {
  it('is waited out: what was held is handled when it is over', async () => {
    let isDown = true
    const { client, push, settled, clock } = setUp({
      crypto: protectionOf((text) => (isDown && text === 'held' ? heldFor() : undefined)),
    })
    const processing = client.process([push('held'), push('good')], () => {})
    await clock.advance(60_000)
    expect([await stateOf(processing), settled()]).toEqual(['pending', { held: '', good: 'complete' }])
    isDown = false
    await clock.advance(30_000)
    await processing
    expect(settled()).toEqual({ held: 'complete', good: 'complete' })
  })

  it('that lasts longer than locks are renewed is thrown, and everything else is settled', async () => {
    const { client, push, settled, clock } = setUp({
      crypto: protectionOf((text) => (text === 'held' ? heldFor('NonceStoreUnavailable') : undefined)),
    })
    const processing = client.process([push('held'), push('good')], () => {}, { maxAutoRenewMs: 60_000 })
    const thrown = processing.catch((error: unknown) => error)
    await clock.advance(59_000)
    expect(await stateOf(processing)).toBe('pending')
    await clock.advance(60_000)
    expect(await thrown).toMatchObject({ code: 'NonceStoreUnavailable' })
    expect([settled(), clock.sleepers]).toEqual([{ held: '', good: 'complete' }, 0])
  })

  it('in the middle of a session keeps the order (C15)', async () => {
    let isDown = true
    const { client, push, settled, clock } = setUp({
      crypto: protectionOf((text) => (isDown && text === 'a2' ? heldFor() : undefined)),
    })
    const handled: string[] = []
    const processing = client.process(
      ['a1', 'a2', 'a3', 'b1'].map((text) => push(text, inSession(text.slice(0, 1)))),
      (message) => void handled.push(message.text()),
      { concurrency: 4 },
    )
    await clock.advance(10_000)
    expect(handled).toEqual(['a1', 'b1'])
    isDown = false
    await clock.advance(60_000)
    await processing
    expect(handled).toEqual(['a1', 'b1', 'a2', 'a3'])
    expect(Object.values(settled())).toEqual(Array(4).fill('complete'))
  })

  it('behind a message whose handler fails is not waited for: what it holds goes back at once (C15)', async () => {
    const { client, push, settled, clock } = setUp({
      crypto: protectionOf((text) => (text === 'a2' ? heldFor() : undefined)),
    })
    const handled: string[] = []
    const processing = client.process(
      ['a1', 'a2', 'a3'].map((text) => push(text, inSession('a'))),
      (message) => {
        handled.push(message.text())
        throw new Error('failed')
      },
    )
    await clock.advance(0)
    await processing
    expect([handled, settled()]).toEqual([['a1'], { a1: 'abandon 1000', a2: 'abandon 0', a3: 'abandon 0' }])
    expect(clock.sleepers).toBe(0)
  })

  it('ends with a refusal like any other', async () => {
    let isDown = true
    const refusal = {
      error: new QueueError('AuthenticationFailed', 'no'),
      disposition: { action: 'dead-letter', reason: 'qr.rejected' },
    } as const
    const { client, push, settled, clock } = setUp({ crypto: protectionOf(() => (isDown ? heldFor() : refusal)) })
    const processing = client.process([push('1'), push('2')], () => {})
    await clock.advance(5_000)
    isDown = false
    await clock.advance(60_000)
    await processing
    expect(Object.values(settled())).toEqual(Array(2).fill('dead-letter qr.rejected'))
  })

  it('is not what makes a message overtake one that was refused for now (C15)', async () => {
    const refusal = {
      error: new QueueError('KeyNotFound', 'no', { facts: { keyId: 'k' } }),
      disposition: { action: 'abandon', delayMs: 5_000 },
    } as const
    const { client, push, settled } = setUp({ crypto: protectionOf((text) => (text === 'a1' ? refusal : undefined)) })
    const handled: string[] = []
    await client.process(
      ['a1', 'a2', 'b1'].map((text) => push(text, inSession(text.slice(0, 1)))),
      (message) => void handled.push(message.text()),
    )
    expect([handled, settled()]).toEqual([['b1'], { a1: 'abandon 5000', a2: 'abandon 0', b1: 'complete' }])
  })

  it('of what the handler depends on keeps the message under its lock until it succeeds', async () => {
    const { client, push, settled, clock } = setUp()
    const start = clock.now()
    let calls = 0
    const processing = client.process(
      [push('1')],
      () => {
        calls += 1
        if (clock.now() - start < 60_000) throw new Error('its database is down')
      },
      { onError: () => ({ action: 'hold' }) },
    )
    await clock.advance(100_000)
    await processing
    expect(calls).toBeGreaterThan(3)
    expect(settled()).toEqual({ 1: 'complete' })
  })
})

describe('an abort while pushed deliveries are processed', () => {
  it('rejects with its reason after giving back what is unsettled, and starts no other handler (C6)', async () => {
    const { client, push, settled, clock } = setUp()
    const stop = new AbortController()
    const reason = new Error('the host freezes')
    const handled: string[] = []
    const first = gate()
    const processing = client.process(
      ['1', '2', '3', '4'].map((text) => push(text, inSession(text === '4' ? 'other' : 'same'))),
      async (message, { signal }) => {
        handled.push(message.text())
        if (message.text() === '1') return
        await first.promise
        expect(signal.reason).toBe(reason)
      },
      { signal: stop.signal },
    )
    const thrown = processing.catch((error: unknown) => error)
    await clock.advance(0)
    stop.abort(reason)
    expect(await thrown).toBe(reason)
    expect(settled()).toEqual({ 1: 'complete', 2: 'abandon 0', 3: 'abandon 0', 4: 'abandon 0' })
    first.resolve()
    await clock.advance(100_000)
    expect([handled, settled()[2]]).toEqual([['1', '2'], 'abandon 0'])
    expect([clock.sleepers, getEventListeners(stop.signal, 'abort')]).toEqual([0, []])
  })

  it('that came before rejects with its reason, and nothing is touched', async () => {
    const { client, push, settled } = setUp()
    const reason = new Error('enough')
    await expect(client.process([push('1')], () => {}, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(settled()).toEqual({ 1: '' })
  })

  it.each([
    ['while they are opened', protectionOf(() => undefined), 0],
    ['while they are held', protectionOf(() => heldFor()), 5_000],
  ])('%s gives them back', async (_, crypto, ms) => {
    const { client, push, settled, clock } = setUp({ crypto })
    const stop = new AbortController()
    const processing = client.process(
      ['1', '2'].map((text) => push(text)),
      () => {},
      { signal: stop.signal },
    )
    const thrown = processing.catch((error: unknown) => error)
    if (ms > 0) await clock.advance(ms)
    stop.abort(new Error('enough'))
    expect(await thrown).toMatchObject({ message: 'enough' })
    expect(settled()).toEqual({ 1: 'abandon 0', 2: 'abandon 0' })
    await clock.advance(60_000)
    expect(clock.sleepers).toBe(0)
  })

  it('may be the close of the client, which waits until all is given back (C21)', async () => {
    const { client, push, settled, clock } = setUp()
    const codes: unknown[] = []
    const processing = client.process([push('1'), push('2')], async (_, { signal }) => {
      await aborted(signal)
      codes.push(signal.reason.code)
      await new Promise(() => {})
    })
    const thrown = processing.catch((error: unknown) => error)
    await clock.advance(0)
    await client.close()
    expect(settled()).toEqual({ 1: 'abandon 0', 2: 'abandon 0' })
    expect([await thrown, codes]).toEqual([expect.objectContaining({ code: 'ClientClosed' }), ['ClientClosed']])
    await expect(client.process([], () => {})).rejects.toMatchObject({ code: 'ClientClosed' })
  })

  it('may be the close of the client inside the handler', async () => {
    const { client, push, settled } = setUp()
    const processing = client.process([push('1')], () => client.close())
    await expect(processing).rejects.toMatchObject({ code: 'ClientClosed' })
    expect(settled()).toEqual({ 1: 'abandon 0' })
  })

  it('ends the tries to give back where the host answers nothing but errors', async () => {
    const { client, push, clock } = setUp()
    const stop = new AbortController()
    const abandon = (): Promise<never> => Promise.reject(new QueueError('ConnectionFailed', 'down'))
    const processing = client.process([{ ...push('1'), abandon }], () => new Promise(() => {}), { signal: stop.signal })
    const thrown = processing.catch((error: unknown) => error)
    await clock.advance(0)
    stop.abort(new Error('enough'))
    await clock.advance(60_000)
    expect(await thrown).toMatchObject({ message: 'enough' })
    expect(clock.sleepers).toBe(0)
  })
})
