import assert from 'node:assert/strict'
import { isQueueError, type QueueClient, type Session } from '@queue-runtime/core'
import { rejects } from '../kit/assertions.ts'
import { isPending, soon, until } from '../kit/time.ts'
import type { ClientBench } from './bench.ts'
import type { ClientCase } from './case.ts'
import { next, nothing, outlast } from './moves.ts'

const needs = ['sessions'] as const

const lockOf = ({ sessionLockMs }: ClientBench): number => {
  assert.ok(sessionLockMs, 'sessionLockMs is needed where there are sessions')
  return sessionLockMs
}

const sendTo = async (queue: QueueClient, sessionId: string, ...texts: readonly string[]): Promise<void> => {
  await queue.sendBatch(texts.map((body) => ({ body, sessionId })))
}

/** A session that must be there. */
const accept = async ({ time }: ClientBench, queue: QueueClient, sessionId?: string): Promise<Session> => {
  const session = await queue.acceptSession({ sessionId, waitMs: 10 * time.lookMs })
  assert.ok(session, 'a session should be there')
  return session
}

/** Asks for a session once. */
const ask = ({ time }: ClientBench, queue: QueueClient, sessionId?: string): Promise<Session | null> =>
  queue.acceptSession({ sessionId, waitMs: time.lookMs })

/** The bodies of `count` messages, each completed before the next is received. */
const handleAll = async (bench: ClientBench, session: Session, count: number): Promise<string[]> => {
  const texts: string[] = []
  for (let handled = 0; handled < count; handled += 1) {
    const message = await next(bench, session)
    texts.push(message.text())
    await message.complete()
  }
  return texts
}

/** `acceptSession`, and `consume` with sessions. */
export const sessionCases: readonly ClientCase[] = [
  {
    name: 'a session gives its own messages, in their order',
    requirement: 'C12, C15, A7',
    catches: ['gives messages of any session', 'sends batches in any order'],
    needs,
    async run(bench) {
      const queue = bench.sessionClient()
      await queue.sendBatch(
        ['a:A', 'b:1', 'a:B', 'a:C'].map((text) => ({ body: text.slice(2), sessionId: text.slice(0, 1) })),
      )
      const session = await accept(bench, queue, 'a')
      assert.equal(session.sessionId, 'a')
      assert.deepEqual(await handleAll(bench, session, 3), ['A', 'B', 'C'])
      await nothing(bench, session)
    },
  },
  {
    name: 'the next session is one with messages, and there is null where there is none',
    requirement: 'C12, edge case 7',
    catches: ['accepts the same session again'],
    needs,
    async run(bench) {
      const queue = bench.sessionClient()
      assert.equal(await ask(bench, queue), null)
      await sendTo(queue, 'a', 'A')
      const session = await accept(bench, queue)
      assert.deepEqual([session.sessionId, await handleAll(bench, session, 1)], ['a', ['A']])
      assert.equal(await ask(bench, bench.sessionClient()), null)
    },
  },
  {
    name: 'a session has one holder: another gets SessionLocked, and the session when it is closed, unsettled messages too',
    requirement: 'C12, C21, A9',
    catches: ['lets two hold one session', 'keeps a session after its close'],
    needs,
    async run(bench) {
      const queue = bench.sessionClient()
      await sendTo(queue, 'a', 'A', 'B')
      const session = await accept(bench, queue, 'a')
      await next(bench, session)
      const other = bench.sessionClient()
      const error = await rejects(() => ask(bench, other, 'a'), 'SessionLocked')
      assert.ok(error.isTransient && isQueueError(error, 'SessionLocked'))
      await session.close()
      await rejects(() => session.receive({ waitMs: 0 }), 'ClientClosed')
      assert.deepEqual(await handleAll(bench, await accept(bench, other, 'a'), 2), ['A', 'B'])
    },
  },
  {
    name: 'closing a client lets its sessions go',
    requirement: 'C21, A9',
    catches: ['loses what is abandoned'],
    needs,
    async run(bench) {
      const queue = bench.sessionClient()
      await sendTo(queue, 'a', 'A')
      await next(bench, await accept(bench, queue, 'a'))
      await queue.close()
      assert.deepEqual(await handleAll(bench, await accept(bench, bench.sessionClient(), 'a'), 1), ['A'])
    },
  },
  {
    name: 'once the lock of a session is gone every operation gives SessionLockLost, and the next holder gets the rest',
    requirement: 'C12, A10, edge case 6',
    catches: ['serves a former holder', 'renews a session that is lost', 'frees the session of the new holder'],
    needs,
    async run(bench) {
      const queue = bench.sessionClient()
      await sendTo(queue, 'a', 'A', 'B', 'C')
      const old = await accept(bench, queue, 'a')
      assert.deepEqual(await handleAll(bench, old, 1), ['A'])
      const held = await next(bench, old)
      await outlast(bench, lockOf(bench))
      const session = await accept(bench, bench.sessionClient(), 'a')
      await rejects(() => old.renewLock(), 'SessionLockLost')
      await rejects(() => old.receive({ waitMs: 0 }), 'SessionLockLost')
      const again = await next(bench, session)
      assert.equal(again.text(), 'B')
      await rejects(() => held.complete(), 'SessionLockLost', 'MessageLockLost')
      await old.close()
      await rejects(() => ask(bench, bench.sessionClient(), 'a'), 'SessionLocked')
      await again.complete()
      assert.deepEqual(await handleAll(bench, session, 1), ['C'])
    },
  },
  {
    name: 'a session that is renewed is kept, with the messages that were received in it',
    requirement: 'C12, S12',
    catches: ['renews no session', 'shows the lock of a session as it was'],
    needs,
    async run(bench) {
      const { time } = bench
      const queue = bench.sessionClient()
      await sendTo(queue, 'a', 'A', 'B')
      const session = await accept(bench, queue, 'a')
      const before = session.lockedUntil.getTime()
      for (let count = 0; count < 3; count += 1) {
        await time.advance(lockOf(bench) * 0.6)
        const renewed = await session.renewLock()
        assert.equal(session.lockedUntil.getTime(), renewed.getTime())
      }
      assert.ok(session.lockedUntil.getTime() > before)
      await rejects(() => ask(bench, bench.sessionClient(), 'a'), 'SessionLocked')
      assert.deepEqual(await handleAll(bench, session, 2), ['A', 'B'])
    },
  },
  {
    name: 'what is abandoned in a session comes first again',
    requirement: 'C15, PM3',
    catches: ['puts what comes back to the tail', 'loses what is abandoned'],
    needs,
    async run(bench) {
      const queue = bench.sessionClient()
      await sendTo(queue, 'a', 'A', 'B')
      const session = await accept(bench, queue, 'a')
      await (await next(bench, session)).abandon()
      assert.equal((await next(bench, session)).deliveryCount, 2)
      await session.close()
      assert.deepEqual(await handleAll(bench, await accept(bench, queue, 'a'), 2), ['A', 'B'])
    },
  },
  {
    name: 'a consumer of sessions handles each in its order, one message at a time, and several side by side',
    requirement: 'C15, S12, A7, A8',
    catches: ['sends batches in any order'],
    needs: ['exclusiveSessions'],
    async run(bench) {
      const queue = bench.sessionClient()
      for (const sessionId of ['a', 'b', 'c']) await sendTo(queue, sessionId, '1', '2', '3', '4')
      const running = new Set<string>()
      const handled: Record<string, string[]> = { a: [], b: [], c: [] }
      let most = 0
      let twice = 0
      const consumer = queue.consume(
        async (message) => {
          const { sessionId = '' } = message
          if (running.has(sessionId)) twice += 1
          running.add(sessionId)
          most = Math.max(most, running.size)
          // Over a wire the next session takes as long as a look to come.
          const enough = performance.now() + bench.time.lookMs
          for (let turn = 0; turn < 10 || (most < 2 && performance.now() < enough); turn += 1) {
            await new Promise((resolve) => setImmediate(resolve))
          }
          handled[sessionId]?.push(message.text())
          running.delete(sessionId)
        },
        { sessions: true, concurrency: 3 },
      )
      const count = (): number => Object.values(handled).flat().length
      await until(bench.time, 'the handling of every message', () => count() >= 12)
      await consumer.close()
      const inOrder = ['1', '2', '3', '4']
      assert.deepEqual(handled, { a: inOrder, b: inOrder, c: inOrder })
      assert.deepEqual([twice, most > 1], [0, true])
    },
  },
  {
    name: 'in a session a message whose handler failed comes again before those behind it',
    requirement: 'C15, S12',
    catches: ['puts what comes back to the tail'],
    needs: ['exclusiveSessions'],
    async run(bench) {
      const { time } = bench
      const queue = bench.sessionClient()
      await sendTo(queue, 'a', 'A', 'B', 'C')
      const seen: string[] = []
      const consumer = queue.consume(
        (message) => {
          seen.push(message.text())
          if (seen.length === 1) throw new Error('try again')
        },
        { sessions: true, concurrency: 2, onError: () => ({ action: 'abandon', delayMs: 0 }) },
      )
      await until(time, 'the handling of every message', () => seen.length >= 4)
      await consumer.close()
      assert.deepEqual(seen, ['A', 'A', 'B', 'C'])
    },
  },
  {
    name: 'work that takes longer than the lock of its session keeps it',
    requirement: 'S12, edge case 20',
    catches: ['renews no session'],
    needs,
    async run(bench) {
      const { time } = bench
      const lockMs = lockOf(bench)
      const queue = bench.sessionClient()
      await sendTo(queue, 'a', 'A')
      const done = Promise.withResolvers<void>()
      let started = 0
      let aborted = 0
      const consumer = queue.consume(
        async (_, { signal }) => {
          started += 1
          signal.addEventListener('abort', () => {
            aborted += 1
          })
          await done.promise
        },
        { sessions: true, maxAutoRenewMs: lockMs * 10 },
      )
      await until(time, 'the delivery', () => started === 1)
      for (let count = 0; count < 3; count += 1) await time.advance(lockMs * 0.6)
      await rejects(() => ask(bench, bench.sessionClient(), 'a'), 'SessionLocked')
      assert.deepEqual([started, aborted], [1, 0])
      done.resolve()
      await isPending(time, new Promise(() => {}))
      await soon(time, 'the end of close', consumer.close())
      assert.equal(await ask(bench, bench.sessionClient()), null)
    },
  },
]
