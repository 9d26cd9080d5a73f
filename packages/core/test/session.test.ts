import { describe, expect, it } from 'vitest'
import { QueueError, type Session } from '../src/index.ts'
import type { Unprotected } from '../src/provider.ts'
import { deaf, heldFor, protectionOf, type Scene, setScene, stateOf } from './consuming-support.ts'

const code = (expected: string) => expect.objectContaining({ code: expected })

const accept = async ({ client }: Pick<Scene, 'client'>, sessionId?: string): Promise<Session> => {
  const session = await client.acceptSession({ sessionId, waitMs: 0 })
  if (session === null) throw new Error('There is no session.')
  return session
}

const take = async (session: Session) => {
  const message = await session.receive({ waitMs: 0 })
  if (message === null) throw new Error('There is no message.')
  return message
}

const sceneOf = (...[options, clientOptions]: Parameters<typeof setScene>): Scene => {
  const scene = setScene({ sessions: 'accept', ...options }, clientOptions)
  for (const text of ['a1', 'a2', 'a3', 'b1']) scene.broker.put(text, text.slice(0, 1))
  return scene
}

/** Claims that write down what is asked of them. */
const claims = () => {
  const asked: string[] = []
  const failing = new Map<string, QueueError>()
  const ask = (operation: string, text: string) => async (): Promise<void> => {
    asked.push(`${operation} ${text}`)
    const error = failing.get(`${operation} ${text}`)
    if (error !== undefined) throw error
  }
  const crypto = protectionOf((text): Unprotected => {
    const claim = { confirm: ask('confirm', text), release: ask('release', text), renew: ask('renew', text) }
    return { body: new TextEncoder().encode(text), seal: null, claim }
  })
  return { asked, failing, crypto }
}

describe('accepting a session (C12)', () => {
  it('gives the named one, or the next that has messages, or null in time', async () => {
    const scene = sceneOf()
    const named = await accept(scene, 'b')
    const next = await accept(scene)
    expect([named.sessionId, next.sessionId]).toEqual(['b', 'a'])
    const start = scene.clock.now()
    const none = scene.client.acceptSession({ waitMs: 5_000 })
    await scene.clock.advance(4_999)
    expect(await stateOf(none)).toBe('pending')
    await scene.clock.advance(1)
    expect([await none, scene.clock.now() - start]).toEqual([null, 5_000])
  })

  it('looks for as long as it may, also where an outage has just ended (R5)', async () => {
    let isDown = true
    const { client, clock, broker } = setScene({
      sessions: 'accept',
      before: () => {
        if (isDown) throw new QueueError('ConnectionFailed', 'down', { retryAfterMs: 1_000 })
      },
    })
    for (let count = 0; count < 5; count += 1) {
      await expect(client.acceptSession({ waitMs: 0 })).rejects.toEqual(code('ConnectionFailed'))
    }
    await expect(client.acceptSession({ waitMs: 0 })).rejects.toEqual(code('CircuitOpen'))
    isDown = false
    await clock.advance(30_000)
    const waiting = client.acceptSession({ waitMs: 20_000 })
    await clock.advance(19_000)
    expect(await stateOf(waiting)).toBe('pending')
    broker.put('a1', 'a')
    await clock.advance(0)
    expect((await waiting)?.sessionId).toBe('a')
    await client.close()
  })

  it('that somebody else holds says so, or waits for it as long as it may', async () => {
    const scene = sceneOf()
    const held = await accept(scene, 'a')
    await expect(scene.client.acceptSession({ sessionId: 'a', waitMs: 0 })).rejects.toEqual(code('SessionLocked'))
    const waiting = scene.client.acceptSession({ sessionId: 'a', waitMs: 20_000 })
    await scene.clock.advance(1_000)
    await held.close()
    await scene.clock.advance(10_000)
    expect((await waiting)?.sessionId).toBe('a')
  })

  it('that somebody else holds is no outage, however often it is asked for (R5)', async () => {
    const scene = sceneOf()
    await accept(scene, 'a')
    for (let count = 0; count < 10; count += 1) {
      await expect(scene.client.acceptSession({ sessionId: 'a', waitMs: 0 })).rejects.toEqual(code('SessionLocked'))
    }
  })

  it('after an outage begins with a short look, since others stay outside meanwhile (R5)', async () => {
    let isDown = true
    const { broker, another, clock } = setScene({ sessions: 'accept' })
    const looks: number[] = []
    const client = another({
      provider: {
        name: 'failing',
        open(queue) {
          const transport = broker.provider.open(queue)
          return {
            ...transport,
            async acceptSession(options) {
              looks.push(options.waitMs)
              if (isDown) throw new QueueError('ConnectionFailed', 'down')
              return transport.acceptSession?.(options) ?? null
            },
          }
        },
      },
      retry: false,
    })
    for (let count = 0; count < 5; count += 1) await client.acceptSession({ waitMs: 0 }).catch(() => {})
    isDown = false
    await clock.advance(30_000)
    looks.length = 0
    const accepting = client.acceptSession({ waitMs: 10_000 })
    await clock.advance(10_000)
    expect([await accepting, looks]).toEqual([null, [1_000, 1_000, 1_000, 7_000]])
  })

  it('ends with its signal, and with the client, and leaves no lock behind (C6, C21)', async () => {
    const scene = setScene({ sessions: 'accept' })
    const { broker, client, clock } = scene
    const stop = new AbortController()
    const reason = new Error('enough')
    const aborted = client.acceptSession({ signal: stop.signal })
    const closed = client.acceptSession()
    const outcomes = Promise.all([aborted, closed].map((call) => call.catch((error: unknown) => error)))
    await clock.advance(0)
    stop.abort(reason)
    await clock.advance(0)
    await client.close()
    expect(await outcomes).toEqual([reason, code('ClientClosed')])
    broker.put('a1', 'a')
    await clock.advance(0)
    expect([broker.lockedSessions, clock.sleepers]).toEqual([[], 0])
  })

  it.each(['signal', 'client'] as const)('lets go what comes in the very tick of the abort (%s)', async (by) => {
    const { broker, another, clock } = setScene({ sessions: 'accept' })
    const client = another({ provider: deaf(broker.provider) })
    const stop = new AbortController()
    const accepting = client.acceptSession({ signal: stop.signal }).catch((error: unknown) => error)
    await clock.advance(0)
    broker.put('a1', 'a')
    if (by === 'signal') stop.abort(new Error('enough'))
    else await client.close()
    expect(await accepting).toBeInstanceOf(Error)
    await clock.advance(0)
    expect(broker.lockedSessions).toEqual([])
  })
})

describe('a session', () => {
  it('gives its messages in order, and what is abandoned first again (C15)', async () => {
    const scene = sceneOf()
    const session = await accept(scene, 'a')
    await (await take(session)).complete()
    await (await take(session)).abandon()
    const again = await take(session)
    expect([again.text(), again.deliveryCount]).toEqual(['a2', 2])
    await again.complete()
    expect((await take(session)).text()).toBe('a3')
  })

  it('gives nothing that would overtake what it delays at a broker that cannot (C8, C15)', async () => {
    const scene = sceneOf({ abandonDelay: false })
    const session = await accept(scene, 'a')
    await (await take(session)).abandon({ delayMs: 10_000 })
    expect(await session.receive({ waitMs: 0 })).toBeNull()
    const receiving = session.receive({ waitMs: 20_000 })
    await scene.clock.advance(10_000)
    expect((await receiving)?.text()).toBe('a1')
  })

  it('gives nothing that would overtake what an outage holds (protocol.md 4.2, C15)', async () => {
    let isDown = true
    const scene = sceneOf({}, { crypto: protectionOf((text) => (isDown && text === 'a1' ? heldFor() : undefined)) })
    const session = await accept(scene, 'a')
    await expect(session.receive({ waitMs: 0 })).rejects.toEqual(code('KeyProviderError'))
    const receiving = session.receive({ waitMs: 120_000 }).catch((error: unknown) => error)
    // Past the moment in which the gate lets a probe through.
    await scene.clock.advance(45_000)
    const early = await stateOf(receiving)
    isDown = false
    await scene.clock.advance(40_000)
    const first = early === 'pending' ? await receiving : await take(session)
    expect(first).toMatchObject({ messageId: 'm-1', deliveryCount: 1 })
  })

  it('keeps its lock by renewLock alone (S12)', async () => {
    const scene = sceneOf({ sessionLockMs: 60_000 })
    const { clock, calls } = scene
    const session = await accept(scene, 'a')
    const message = await take(session)
    await clock.advance(50_000)
    const renewed = await session.renewLock()
    expect([renewed, session.lockedUntil, message.lockedUntil]).toEqual(Array(3).fill(new Date(clock.now() + 60_000)))
    await clock.advance(50_000)
    await message.complete()
    expect(calls.filter(({ operation }) => /renew/.test(operation))).toHaveLength(1)
    await clock.advance(10_000)
    await expect(session.renewLock()).rejects.toEqual(code('SessionLockLost'))
  })

  it('that is lost gives SessionLockLost to whatever is asked, and its messages to the next holder, in order (edge case 6)', async () => {
    const scene = sceneOf()
    const session = await accept(scene, 'a')
    const message = await take(session)
    await scene.clock.advance(60_000)
    const next = await accept(scene, 'a')
    const iterate = async (): Promise<void> => {
      for await (const _ of session.messages()) break
    }
    for (const attempt of [
      () => session.receive({ waitMs: 0 }),
      () => session.receiveBatch({ waitMs: 0 }),
      () => session.renewLock(),
      () => message.complete(),
      () => message.abandon(),
      () => message.renewLock(),
      iterate,
    ]) {
      await expect(attempt()).rejects.toEqual(code('SessionLockLost'))
    }
    await session.close()
    expect(scene.broker.lockedSessions).toEqual(['a'])
    const texts: string[] = []
    for (let count = 0; count < 3; count += 1) {
      const one = await take(next)
      texts.push(one.text())
      await one.complete()
    }
    expect(texts).toEqual(['a1', 'a2', 'a3'])
  })

  it('renews the claims of what was received in it and is not settled (protocol.md 5)', async () => {
    const { asked, crypto } = claims()
    const scene = sceneOf({}, { crypto })
    const session = await accept(scene, 'a')
    const first = await take(session)
    await take(session)
    await first.complete()
    asked.length = 0
    await session.renewLock()
    expect(asked).toEqual(['renew a2'])
  })

  it('says so when a claim is lost, and keeps its own lock (protocol.md 5)', async () => {
    const { failing, crypto } = claims()
    const scene = sceneOf({}, { crypto })
    const session = await accept(scene, 'a')
    const [lost, kept] = [await take(session), await take(session)]
    failing.set('renew a1', new QueueError('MessageLockLost', 'another has it'))
    failing.set('confirm a1', new QueueError('MessageLockLost', 'another has it'))
    await scene.clock.advance(30_000)
    await expect(session.renewLock()).rejects.toEqual(code('MessageLockLost'))
    await scene.clock.advance(50_000)
    await kept.complete()
    await expect(lost.complete()).rejects.toEqual(code('MessageLockLost'))
    expect(scene.broker.completed).toEqual(['a2'])
  })

  it('that is closed gives back what is unsettled, claims first, and its lock; then every call gives ClientClosed (C21)', async () => {
    const { asked, crypto } = claims()
    const scene = sceneOf({}, { crypto })
    const session = await accept(scene, 'a')
    const message = await take(session)
    const waiting = accept(scene, 'b').then((other) => {
      const receiving = other.receive({ waitMs: 60_000 }).then(async (one) => one?.complete())
      return receiving.then(() => other.receive({ waitMs: 60_000 })).catch((error: unknown) => error)
    })
    await scene.clock.advance(0)
    asked.length = 0
    await Promise.all([session.close(), session.close(), session[Symbol.asyncDispose]()])
    expect([asked, scene.broker.locked]).toEqual([['release a1'], []])
    expect(scene.calls.filter(({ operation }) => operation === 'closeSession')).toHaveLength(1)
    for (const attempt of [
      () => session.receive({ waitMs: 0 }),
      () => session.renewLock(),
      () => message.complete(),
      async () => {
        for await (const _ of session.messages()) break
      },
    ]) {
      await expect(attempt()).rejects.toEqual(code('ClientClosed'))
    }
    await scene.client.close()
    expect(await waiting).toEqual(code('ClientClosed'))
    expect([scene.broker.lockedSessions, scene.clock.sleepers]).toEqual([[], 0])
  })

  it('ends its calls when the client closes, though a handler of that keeps the client waiting (C21)', async () => {
    const scene = setScene({ sessions: 'accept' })
    const { broker, client, clock } = scene
    broker.put('a1', 'a')
    broker.put('plain')
    const session = await accept(scene, 'a')
    await (await take(session)).complete()
    client.consume(() => new Promise(() => {}), { drainMs: 20_000 })
    const receiving = session.receive({ waitMs: 60_000 }).catch((error: unknown) => error)
    await clock.advance(0)
    const closing = client.close()
    await clock.advance(0)
    expect([await stateOf(closing), await receiving]).toEqual(['pending', code('ClientClosed')])
    await clock.advance(20_000)
    await closing
    expect([broker.locked, broker.lockedSessions, clock.sleepers]).toEqual([[], [], 0])
  })

  it('gives back what arrived in the tick of its close', async () => {
    const scene = setScene({ sessions: 'accept' })
    const { broker, clock } = scene
    broker.put('a1', 'a')
    const session = await accept(scene, 'a')
    await (await take(session)).complete()
    const receiving = session.receive({ waitMs: 60_000 }).catch((error: unknown) => error)
    await clock.advance(0)
    broker.put('a2', 'a')
    await session.close()
    expect(await receiving).toEqual(code('ClientClosed'))
    await clock.advance(0)
    expect([broker.locked, broker.lockedSessions, broker.left]).toEqual([[], [], ['a2']])
  })
})
