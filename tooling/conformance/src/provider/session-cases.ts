import assert from 'node:assert/strict'
import { isPending, soon } from '../kit/time.ts'
import type { ProviderCase } from './case.ts'
import { accept, handleAll, never, nothing, send, take, textOf } from './moves.ts'
import { ask, LONG, messages, openSessions } from './session-moves.ts'

const needs = ['sessions'] as const

/** Sessions: the messages of one id, in their order, and how one gets them. */
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
        assert.equal(message.sessionId, session.sessionId)
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
]
