import assert from 'node:assert/strict'
import { isQueueError } from '@queue-runtime/core'
import { rejects } from '../kit/assertions.ts'
import { isPending, soon } from '../kit/time.ts'
import type { ProviderCase } from './case.ts'
import { accept, handleAll, never, nothing, outlast, send, take, textOf } from './moves.ts'
import { ask, LONG, lockOf, messages, openSessions } from './session-moves.ts'

const needs = ['sessions'] as const

/** The lock of a session: one holder at a time, and what becomes of the former one. */
export const sessionLockCases: readonly ProviderCase[] = [
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
