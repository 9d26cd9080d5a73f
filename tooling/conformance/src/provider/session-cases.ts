import assert from 'node:assert/strict'
import { isQueueError } from '@queue-runtime/core'
import type { QueueTransport, SessionTransport, WireMessage } from '@queue-runtime/core/provider'
import { rejects } from '../kit/assertions.ts'
import { isPending, soon } from '../kit/time.ts'
import type { ProviderBench } from './bench.ts'
import type { ProviderCase } from './case.ts'
import { accept, handleAll, never, nothing, outlast, send, take, textOf } from './moves.ts'
import { wireMessage } from './wire.ts'

const needs = ['sessions'] as const

const LONG = { waitMs: 60_000, signal: never } as const

/** A transport on which sessions are accepted. */
const openSessions = ({ open, sessionQueue }: ProviderBench): QueueTransport => open(sessionQueue)

const messages = (sessionId: string, ...texts: readonly string[]): WireMessage[] =>
  texts.map((text) => wireMessage(text, { sessionId }))

/** Asks for a session once. */
const ask = async (
  { time }: ProviderBench,
  transport: QueueTransport,
  sessionId?: string,
): Promise<SessionTransport | null | undefined> =>
  transport.acceptSession?.({ sessionId, waitMs: time.lookMs, signal: never })

const lockOf = ({ sessionLockMs }: ProviderBench): number => {
  assert.ok(sessionLockMs, 'sessionLockMs is needed where there are sessions')
  return sessionLockMs
}

/** Sessions: an exclusive lock on the messages of one id, in their order. */
export const sessionCases: readonly ProviderCase[] = [
  {
    name: 'a session that is accepted by its id gives its own messages, in their order',
    requirement: 'C12, C15, A7, PA2',
    catches: ['gives messages of any session', 'sends batches in any order', 'names another session'],
    needs,
    async run(bench) {
      const queue = openSessions(bench)
      await send(queue, ...messages('a', 'A'), ...messages('b', '1'), ...messages('a', 'B'), ...messages('a', 'C'))
      const session = await accept(bench, queue, 'a')
      assert.equal(session.sessionId, 'a')
      assert.deepEqual(await handleAll(bench, session, 3), ['A', 'B', 'C'])
      await nothing(bench, session)
    },
  },
  {
    name: 'the next session is one with messages that nobody holds',
    requirement: 'C12, A7',
    catches: ['accepts the same session again', 'names another session'],
    needs,
    async run(bench) {
      const queue = openSessions(bench)
      await send(queue, ...messages('a', 'A'), ...messages('b', 'B'))
      const [first, second] = [await accept(bench, queue), await accept(bench, openSessions(bench))]
      assert.deepEqual([first.sessionId, second.sessionId].toSorted(), ['a', 'b'])
      for (const session of [first, second]) {
        const { message } = await take(bench, session)
        assert.deepEqual([message.sessionId, message.sessionId], [session.sessionId, session.sessionId])
      }
      assert.equal(await ask(bench, queue), null)
    },
  },
  {
    name: 'where there is no session with messages, accepting gives null when its wait is over, and not before',
    requirement: 'C12, edge case 7',
    catches: ['gives up at once', 'oversleeps'],
    needs,
    async run(bench) {
      const { time } = bench
      const waiting = openSessions(bench).acceptSession?.({ sessionId: undefined, waitMs: 2_000, signal: never })
      assert.ok(waiting)
      await time.advance(1_000)
      assert.ok(await isPending(time, waiting), 'the wait is not over')
      await time.advance(1_000 - time.lookMs)
      assert.equal(await soon(time, 'the end of the wait', waiting), null)
    },
  },
  {
    name: 'who waits for a session gets it when its first message is sent',
    requirement: 'C12, PM8',
    catches: ['sleeps through a send'],
    needs,
    async run(bench) {
      const { time } = bench
      const waiting = openSessions(bench).acceptSession?.({ sessionId: undefined, ...LONG })
      assert.ok(waiting && (await isPending(time, waiting)))
      await send(openSessions(bench), ...messages('a', 'A'))
      const session = await soon(time, 'the session of what was sent', waiting)
      assert.ok(session)
      assert.deepEqual([session.sessionId, textOf(await take(bench, session))], ['a', 'A'])
    },
  },
  {
    name: 'an aborted wait for a session rejects with the reason of its signal, and holds no session',
    requirement: 'C6, C12',
    catches: ['hears no abort', 'has a reason of its own', 'holds the session of an aborted wait'],
    needs,
    async run(bench) {
      const { time } = bench
      const queue = openSessions(bench)
      const stop = new AbortController()
      const waiting = queue.acceptSession?.({ sessionId: undefined, waitMs: 60_000, signal: stop.signal })
      assert.ok(waiting && (await isPending(time, waiting)))
      const reason = new Error('enough')
      stop.abort(reason)
      const thrown = waiting.catch((error: unknown) => error)
      assert.equal(await soon(time, 'the end of an aborted wait', thrown), reason)
      await send(queue, ...messages('a', 'A'))
      await isPending(time, new Promise(() => {}))
      assert.equal((await accept(bench, openSessions(bench), 'a')).sessionId, 'a')
    },
  },
  {
    name: 'a session that another holds gives SessionLocked, until it is closed',
    requirement: 'C12, A9, E1',
    catches: ['lets two hold one session', 'keeps a session after its close'],
    needs,
    async run(bench) {
      const queue = openSessions(bench)
      await send(queue, ...messages('a', 'A'))
      const holder = await accept(bench, queue, 'a')
      const other = openSessions(bench)
      const error = await rejects(() => ask(bench, other, 'a'), 'SessionLocked')
      assert.equal(error.isTransient, true)
      assert.ok(isQueueError(error, 'SessionLocked') && 'lockedUntil' in error.facts)
      await holder.close()
      const session = await accept(bench, other, 'a')
      assert.equal(textOf(await take(bench, session)), 'A')
    },
  },
  {
    name: 'of many who ask for one session at once one gets it',
    requirement: 'C12, A9, edge case 9',
    catches: ['lets two hold one session'],
    needs,
    async run(bench) {
      const queues = Array.from({ length: 8 }, () => openSessions(bench))
      const [first] = queues
      assert.ok(first)
      await send(first, ...messages('a', 'A'))
      const asked = await Promise.allSettled(queues.map((queue) => ask(bench, queue, 'a')))
      const won = asked.filter(({ status }) => status === 'fulfilled')
      assert.equal(won.length, 1)
      for (const outcome of asked) {
        if (outcome.status === 'rejected') {
          await rejects(() => Promise.reject(outcome.reason), 'SessionLocked')
        }
      }
    },
  },
  {
    name: 'two sessions are worked on side by side, each in its own order',
    requirement: 'C15, A7',
    catches: ['sends batches in any order'],
    needs,
    async run(bench) {
      const queue = openSessions(bench)
      await send(queue, ...messages('a', 'a1', 'a2', 'a3', 'a4'), ...messages('b', 'b1', 'b2', 'b3', 'b4'))
      const [a, b] = [await accept(bench, queue, 'a'), await accept(bench, openSessions(bench), 'b')]
      const handled: string[][] = []
      for (let count = 0; count < 4; count += 1) {
        handled.push([...(await handleAll(bench, a, 1)), ...(await handleAll(bench, b, 1))])
      }
      assert.deepEqual(handled, [
        ['a1', 'b1'],
        ['a2', 'b2'],
        ['a3', 'b3'],
        ['a4', 'b4'],
      ])
    },
  },
  {
    name: 'what is abandoned in a session comes first again',
    requirement: 'C15, PM3',
    catches: ['puts what comes back to the tail', 'loses what is abandoned'],
    needs,
    async run(bench) {
      const queue = openSessions(bench)
      await send(queue, ...messages('a', 'A', 'B', 'C'))
      const session = await accept(bench, queue, 'a')
      await (await take(bench, session)).abandon({ delayMs: 0 })
      const again = await take(bench, session)
      assert.deepEqual([textOf(again), again.message.deliveryCount], ['A', 2])
      await again.complete()
      assert.deepEqual(await handleAll(bench, session, 2), ['B', 'C'])
    },
  },
  {
    name: 'when the lock of a session ends, the next holder gets all that was not completed, in its order',
    requirement: 'C12, C15, PM3, A10',
    catches: ['puts what comes back to the tail', 'holds sessions for ever'],
    needs,
    async run(bench) {
      const queue = openSessions(bench)
      await send(queue, ...messages('a', 'A', 'B', 'C', 'D'))
      const old = await accept(bench, queue, 'a')
      assert.deepEqual(await handleAll(bench, old, 1), ['A'])
      assert.equal(textOf(await take(bench, old)), 'B')
      await outlast(bench, lockOf(bench))
      const session = await accept(bench, openSessions(bench), 'a')
      assert.deepEqual(await handleAll(bench, session, 3), ['B', 'C', 'D'])
    },
  },
  {
    name: 'after the lock of a session ended, whatever its former holder asks for gives SessionLockLost',
    requirement: 'C12, A10, edge case 6, PA8',
    catches: ['serves a former holder', 'renews a session that is lost'],
    needs,
    async run(bench) {
      const queue = openSessions(bench)
      await send(queue, ...messages('a', 'A', 'B'))
      const old = await accept(bench, queue, 'a')
      const held = await take(bench, old)
      await outlast(bench, lockOf(bench))
      const session = await accept(bench, openSessions(bench), 'a')
      await rejects(() => old.renewLock(), 'SessionLockLost')
      await rejects(() => old.receive({ maxMessages: 1, waitMs: 0, signal: never }), 'SessionLockLost')
      await rejects(() => held.complete(), 'SessionLockLost', 'MessageLockLost')
      assert.deepEqual(await handleAll(bench, session, 2), ['A', 'B'])
    },
  },
  {
    name: 'a lost session gives SessionLockLost though nobody else has taken it',
    requirement: 'C10, C12',
    catches: ['serves a former holder', 'renews a session that is lost'],
    needs,
    async run(bench) {
      const queue = openSessions(bench)
      await send(queue, ...messages('a', 'A'))
      const old = await accept(bench, queue, 'a')
      await outlast(bench, lockOf(bench))
      await rejects(() => old.renewLock(), 'SessionLockLost')
      await rejects(() => old.receive({ maxMessages: 1, waitMs: 0, signal: never }), 'SessionLockLost')
      const session = await accept(bench, openSessions(bench), 'a')
      assert.equal(textOf(await take(bench, session)), 'A')
    },
  },
  {
    name: 'the close of a former holder does not free the session of the new one',
    requirement: 'PM6',
    catches: ['frees the session of the new holder'],
    needs,
    async run(bench) {
      const queue = openSessions(bench)
      await send(queue, ...messages('a', 'A'))
      const old = await accept(bench, queue, 'a')
      await outlast(bench, lockOf(bench))
      const session = await accept(bench, openSessions(bench), 'a')
      await old.close().catch(() => {})
      await rejects(() => ask(bench, openSessions(bench), 'a'), 'SessionLocked')
      assert.deepEqual(await handleAll(bench, session, 1), ['A'])
    },
  },
  {
    name: 'the lock of a session is told, and moves forward when it is renewed',
    requirement: 'C12, A9',
    catches: ['renews no session', 'shows the lock of a session as it was'],
    needs,
    async run(bench) {
      const { time } = bench
      const lockMs = lockOf(bench)
      const queue = openSessions(bench)
      await send(queue, ...messages('a', 'A'))
      const session = await accept(bench, queue, 'a')
      const before = session.lockedUntil.getTime()
      const left = before - time.clock.now()
      assert.ok(left > 0 && left <= lockMs + time.lookMs, `a lock of ${lockMs} ms has ${left} ms left`)
      await time.advance(lockMs * 0.6)
      const renewed = await session.renewLock()
      assert.ok(renewed.getTime() > before, 'the lock moves forward')
      assert.equal(session.lockedUntil.getTime(), renewed.getTime())
      await time.advance(lockMs * 0.6)
      await rejects(() => ask(bench, openSessions(bench), 'a'), 'SessionLocked')
      assert.deepEqual(await handleAll(bench, session, 1), ['A'])
    },
  },
  {
    name: 'closing a session gives it and what is not settled back at once, and may be done again',
    requirement: 'C12, C21, A9',
    catches: ['keeps a session after its close', 'closes a session only once'],
    needs,
    async run(bench) {
      const { time } = bench
      const queue = openSessions(bench)
      await send(queue, ...messages('a', 'A', 'B'))
      const session = await accept(bench, queue, 'a')
      await take(bench, session)
      await soon(time, 'the end of close', session.close())
      await soon(time, 'the end of another close', session.close())
      const next = await accept(bench, openSessions(bench), 'a')
      assert.deepEqual(await handleAll(bench, next, 2), ['A', 'B'])
    },
  },
  {
    name: 'closing a session ends its waiting receive',
    requirement: 'C21',
    catches: ['leaves a receive waiting when it closes'],
    needs,
    async run(bench) {
      const { time } = bench
      const queue = openSessions(bench)
      await send(queue, ...messages('a', 'A'))
      const session = await accept(bench, queue, 'a')
      await handleAll(bench, session, 1)
      const waiting = session.receive({ maxMessages: 1, ...LONG }).catch(() => [])
      assert.ok(await isPending(time, waiting))
      await soon(time, 'the end of close', session.close())
      assert.deepEqual(await soon(time, 'the end of the wait', waiting), [])
    },
  },
  {
    name: 'a receive that waits in a session wakes for a message of that session alone',
    requirement: 'C15, PM8',
    catches: ['sleeps through a send', 'gives messages of any session'],
    needs,
    async run(bench) {
      const { time } = bench
      const queue = openSessions(bench)
      await send(queue, ...messages('a', 'A'))
      const session = await accept(bench, queue, 'a')
      await handleAll(bench, session, 1)
      const waiting = session.receive({ maxMessages: 10, ...LONG })
      await send(queue, ...messages('b', '1'))
      assert.ok(await isPending(time, waiting))
      await send(queue, ...messages('a', 'B'))
      assert.deepEqual((await soon(time, 'the delivery of what was sent', waiting)).map(textOf), ['B'])
    },
  },
  {
    name: 'a plain receive gets nothing of a session that somebody holds',
    requirement: 'PM4',
    catches: ['gives messages of held sessions to anybody'],
    needs: ['sessions', 'sessionOrder'],
    async run(bench) {
      const queue = openSessions(bench)
      await send(queue, ...messages('a', 'A', 'B'))
      const session = await accept(bench, queue, 'a')
      await nothing(bench, openSessions(bench))
      assert.deepEqual(await handleAll(bench, session, 2), ['A', 'B'])
    },
  },
  {
    name: 'a session with a message in flight gives nothing more to plain receives',
    requirement: 'PM4, PS1, C15',
    catches: ['gives messages of held sessions to anybody'],
    needs: ['sessionOrder'],
    async run(bench) {
      const queue = bench.open()
      await send(queue, ...messages('a', 'A', 'B'), ...messages('b', '1'))
      const [first, second] = [await take(bench, queue), await take(bench, bench.open())]
      assert.deepEqual([textOf(first), textOf(second)].toSorted(), ['1', 'A'])
      await nothing(bench, queue)
      await first.complete()
      await second.complete()
      assert.deepEqual(await handleAll(bench, queue, 1), ['B'])
    },
  },
  {
    name: 'a thousand messages of one session come in their order under one lock that is kept',
    requirement: 'C15, edge case 8',
    catches: ['loses a message in a while', 'renews no session'],
    needs,
    async run(bench) {
      const { time } = bench
      const queue = openSessions(bench)
      const texts = Array.from({ length: 1_000 }, (_, index) => String(index))
      await send(queue, ...messages('a', ...texts))
      const session = await accept(bench, queue, 'a')
      const handled: string[] = []
      let renewals = 0
      while (handled.length < texts.length) {
        const deliveries = await session.receive({ maxMessages: 50, waitMs: 10 * time.lookMs, signal: never })
        if (deliveries.length === 0) break
        for (const delivery of deliveries) await delivery.complete()
        handled.push(...deliveries.map(textOf))
        if (handled.length < (renewals + 1) * 300) continue
        renewals += 1
        await time.advance(lockOf(bench) * 0.6)
        await session.renewLock()
      }
      assert.deepEqual(handled, texts)
    },
  },
]
