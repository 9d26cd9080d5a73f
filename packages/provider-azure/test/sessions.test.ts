import { isQueueError } from '@queue-runtime/core'
import { describe, expect, it } from 'vitest'
import { scaled } from './scale.ts'
import { accept, codeOf, local, never, pause, send, take, takeAll, textOf, wire } from './support.ts'

const here = local()

const SESSIONS = { requiresSession: true, lockDurationMs: 60_000 }
const of = (sessionId: string, ...texts: readonly string[]) => texts.map((text) => wire(text, { sessionId }))

describe.concurrent('sessions over the wire', () => {
  it('a plain receive on a queue with sessions is Unsupported, and a send without one too (PA2)', async () => {
    const { queue: make, open } = here()
    const transport = open(make(SESSIONS))
    const refused = transport.receive({ maxMessages: 1, waitMs: 0, signal: never })
    const error = await refused.catch((thrown: unknown) => thrown)
    expect(isQueueError(error, 'Unsupported') && error.facts).toEqual({ feature: 'receive' })
    expect(String(error)).toMatch(/consume\(\{ sessions: true \}\) or acceptSession/)
    expect(transport.features.sessionIds).toBe('required')
  })

  it('a queue without sessions accepts none (PA2)', () => {
    const { queue: make, open } = here()
    expect(open(make()).acceptSession).toBeUndefined()
  })

  it('a queue that does not exist is told from a session that is locked (PA8, C12)', async () => {
    const { queue: make, open } = here()
    const queue = make(SESSIONS)
    const transport = open(queue)
    await send(transport, ...of('a', 'A'))
    await accept(transport, 'a')
    const ask = { sessionId: 'a', waitMs: 0, signal: never }
    expect(await codeOf(Promise.resolve(transport.acceptSession?.(ask)))).toBe('SessionLocked')
    const nowhere = open('nowhere', { queues: { nowhere: { sessions: true } } })
    expect(await codeOf(Promise.resolve(nowhere.acceptSession?.(ask)))).toBe('QueueNotFound')
    expect(await codeOf(Promise.resolve(nowhere.acceptSession?.({ ...ask, sessionId: undefined })))).toBe(
      'QueueNotFound',
    )
  })

  it('a session without messages is accepted by its id, and waits for them (C12)', async () => {
    const { queue: make, open } = here()
    const queue = make(SESSIONS)
    const session = await accept(open(queue), 'empty')
    const receiving = session.receive({ maxMessages: 1, waitMs: 20_000, signal: never })
    await send(open(queue), ...of('empty', 'A'))
    expect((await receiving).map(textOf)).toEqual(['A'])
  })

  it('one who gave up waiting holds no session, named or not, when it comes late (C6, C12)', async () => {
    const { queue: make, open, emulator, look } = here()
    const queue = make(SESSIONS)
    await send(open(queue), ...of('a', 'A'))
    for (const sessionId of ['a', undefined]) {
      const transport = open(queue)
      emulator.inject('attach', { delayMs: 500 }, { queue, times: 1 })
      const stop = new AbortController()
      const accepting = transport.acceptSession?.({ sessionId, waitMs: 20_000, signal: stop.signal })
      await pause(150)
      stop.abort(new Error('enough'))
      await expect(accepting).rejects.toThrow('enough')
      await pause(1_000)
      const session = await accept(open(queue), 'a')
      await session.close()
    }
    expect(
      look(queue)
        .messages()
        .map(({ deliveryCount, state }) => [deliveryCount, state]),
    ).toEqual([[0, 'active']])
  })

  it('who waits twice for the next session, with a pause, gets it at once: it asked all the time (C12)', async () => {
    const { queue: make, open } = here()
    const queue = make(SESSIONS)
    const transport = open(queue)
    expect(await transport.acceptSession?.({ sessionId: undefined, waitMs: 100, signal: never })).toBeNull()
    const waiting = transport.acceptSession?.({ sessionId: undefined, waitMs: 20_000, signal: never })
    await send(open(queue), ...of('a', 'A'))
    expect((await waiting)?.sessionId).toBe('a')
  })

  it('of two who wait for the next session each gets one of two (C12, A9)', async () => {
    const { queue: make, open } = here()
    const queue = make(SESSIONS)
    const transport = open(queue)
    const waiting = [1, 2].map(() => transport.acceptSession?.({ sessionId: undefined, waitMs: 20_000, signal: never }))
    await pause(300)
    await send(open(queue), ...of('a', 'A'), ...of('b', 'B'))
    const sessions = await Promise.all(waiting)
    expect(sessions.map((session) => session?.sessionId).toSorted()).toEqual(['a', 'b'])
  })

  it('a session is not lost to a broker that is slow to say that nothing more comes (field-notes 1.5)', async () => {
    const { queue: make, open, emulator } = here()
    const queue = make(SESSIONS)
    await send(open(queue), ...of('a', 'A', 'B'))
    const session = await accept(open(queue), 'a')
    emulator.inject('drain', { delayMs: 1_000 }, { queue })
    const [one, two] = await takeAll(session, 2)
    expect(await session.receive({ maxMessages: 10, waitMs: 500, signal: never })).toEqual([])
    expect(await session.receive({ maxMessages: 10, waitMs: 0, signal: never })).toEqual([])
    await pause(1_500)
    await Promise.all([one?.complete(), two?.abandon({ delayMs: 0 })])
    expect(textOf(await take(session))).toBe('B')
    await session.renewLock()
    await session.close()
  })

  it('what is settled in a session under mixed outcomes comes each to its own end (field-notes 1.6)', async () => {
    const { queue: make, open, look } = here()
    const queue = make(SESSIONS)
    const texts = Array.from({ length: 300 }, (_, index) => String(index))
    await send(open(queue), ...of('a', ...texts))
    const session = await accept(open(queue), 'a')
    const deliveries = await takeAll(session, texts.length)
    const isDead = (index: number): boolean => index % 3 === 1 || index % 7 === 0
    await Promise.all(
      deliveries.map((delivery, index) =>
        isDead(index) ? delivery.deadLetter({ reason: `r${index % 5}` }) : delivery.complete(),
      ),
    )
    expect(look(queue).messages()).toEqual([])
    const letters = look(queue).deadLetters()
    const bodyOf = ({ body }: { readonly body: Uint8Array | undefined }): string => Buffer.from(body ?? []).toString()
    const reasons = letters.map((letter) => [bodyOf(letter), letter.applicationProperties.DeadLetterReason])
    const asked = texts.flatMap((text, index) => (isDead(index) ? [[text, `r${index % 5}`]] : []))
    expect(Object.fromEntries(reasons)).toEqual(Object.fromEntries(asked))
  })

  it(`an abandon after a cancelled receive keeps the order of the session, ${scaled(20)} times (C15)`, async () => {
    const { queue: make, open } = here()
    const queue = make({ ...SESSIONS, maxDeliveryCount: 1_000 })
    const texts = Array.from({ length: 6 }, (_, index) => String(index))
    await send(open(queue), ...of('a', ...texts))
    const session = await accept(open(queue), 'a')
    for (let count = 0; count < scaled(20); count += 1) {
      const first = await take(session)
      expect(textOf(first)).toBe('0')
      const stop = new AbortController()
      const receiving = session.receive({ maxMessages: 3, waitMs: 5_000, signal: stop.signal })
      setTimeout(() => stop.abort('enough'), count % 4)
      const early = await receiving.catch(() => [])
      // What the application holds is its own to give back first.
      for (const delivery of early.toReversed()) await delivery.abandon({ delayMs: 0 })
      await first.abandon({ delayMs: 0 })
    }
    const left: string[] = []
    for (const _ of texts) {
      const delivery = await take(session)
      left.push(textOf(delivery))
      await delivery.complete()
    }
    expect(left).toEqual(texts)
  })
})

describe.concurrent('a session whose lock is gone', () => {
  it('because its connection broke gives SessionLockLost for whatever is asked, and comes again when its lock ended (PA8, A10)', async () => {
    const { queue: make, emulator, open } = here()
    const queue = make({ ...SESSIONS, lockDurationMs: 3_000 })
    const transport = open(queue)
    await send(open(queue), ...of('a', 'A', 'B', 'C', 'D'))
    const session = await accept(transport, 'a')
    const [one, two, three] = await takeAll(session, 3)
    const receiving = codeOf(
      take(session).then(() => session.receive({ maxMessages: 1, waitMs: 20_000, signal: never })),
    )
    await pause(300)
    // Only what this test holds is cut: the connection breaks under a settlement of this queue.
    emulator.inject('settle', { drop: 'before' }, { queue, times: 1 })
    expect(await codeOf(Promise.resolve(one?.complete()))).toBe('SessionLockLost')
    expect(await receiving).toBe('SessionLockLost')
    expect(await codeOf(session.renewLock())).toBe('SessionLockLost')
    expect(await codeOf(session.receive({ maxMessages: 1, waitMs: 0, signal: never }))).toBe('SessionLockLost')
    expect(await codeOf(Promise.resolve(two?.abandon({ delayMs: 0 })))).toBe('SessionLockLost')
    expect(await codeOf(Promise.resolve(three?.renewLock()))).toBe('SessionLockLost')
    await session.close()
    await pause(3_200)
    const again = await accept(open(queue), 'a')
    expect((await takeAll(again, 4)).map(textOf)).toEqual(['A', 'B', 'C', 'D'])
  })

  it('by our own clock is not asked about any more (C10)', async () => {
    const { queue: make, open, look } = here()
    const queue = make(SESSIONS)
    let aheadMs = 0
    const clock = {
      now: () => Date.now() + aheadMs,
      sleep: (ms: number, signal?: AbortSignal) =>
        new Promise<void>((resolve, reject) => {
          const timer = setTimeout(resolve, ms)
          signal?.addEventListener('abort', () => {
            clearTimeout(timer)
            reject(signal.reason)
          })
        }),
    }
    await send(open(queue), ...of('a', 'A', 'B'))
    const session = await accept(open(queue, { clock }), 'a')
    const delivery = await take(session)
    aheadMs = 61_000
    expect(await codeOf(delivery.complete())).toBe('SessionLockLost')
    expect(await codeOf(session.renewLock())).toBe('SessionLockLost')
    expect(await codeOf(session.receive({ maxMessages: 1, waitMs: 0, signal: never }))).toBe('SessionLockLost')
    expect(look(queue).messages()).toHaveLength(2)
  })

  it('is noticed while a receive waits in it (C12)', async () => {
    const { queue: make, open } = here()
    const queue = make({ ...SESSIONS, lockDurationMs: 2_000 })
    const session = await accept(open(queue), 'empty')
    const begun = performance.now()
    expect(await codeOf(session.receive({ maxMessages: 1, waitMs: 20_000, signal: never }))).toBe('SessionLockLost')
    expect(performance.now() - begun).toBeLessThan(8_000)
  })

  it('does not fail what was settled before: that gives MessageLockLost (C7)', async () => {
    const { queue: make, open } = here()
    const queue = make(SESSIONS)
    await send(open(queue), ...of('a', 'A'))
    const session = await accept(open(queue), 'a')
    const delivery = await take(session)
    await delivery.complete()
    await session.close()
    expect(await codeOf(delivery.complete())).toBe('MessageLockLost')
  })
})
