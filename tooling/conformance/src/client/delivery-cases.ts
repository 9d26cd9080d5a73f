import assert from 'node:assert/strict'
import { rejects } from '../kit/assertions.ts'
import { isPending, soon } from '../kit/time.ts'
import type { ClientCase } from './case.ts'
import { next, nothing, outlast } from './moves.ts'

/** What becomes of a delivery: settled, given back, or taken away when its lock ends. */
export const deliveryCases: readonly ClientCase[] = [
  {
    name: 'an empty queue gives null when the wait is over, and not before',
    requirement: 'C4, A4',
    catches: ['sleeps through a send'],
    async run({ client, time }) {
      const waiting = client().receive({ waitMs: 2_000 })
      await time.advance(1_000)
      assert.ok(await isPending(time, waiting), 'the wait is not over')
      await time.advance(1_000 - time.lookMs)
      assert.equal(await soon(time, 'the end of the wait', waiting), null)
    },
  },
  {
    name: 'a waiting receive wakes when a message is sent',
    requirement: 'C4, PM8',
    catches: ['sleeps through a send'],
    async run({ client, time }) {
      const waiting = client().receive({ waitMs: 60_000 })
      await client().send({ body: 'hello' })
      const message = await soon(time, 'the delivery of what was sent', waiting)
      assert.equal(message?.text(), 'hello')
    },
  },
  {
    name: 'an aborted receive rejects with the reason of its signal and swallows no message',
    requirement: 'C6',
    catches: ['swallows a message after an abort'],
    async run(bench) {
      const stop = new AbortController()
      const aborted = bench.client()
      const waiting = aborted.receive({ waitMs: 60_000, signal: stop.signal })
      assert.ok(await isPending(bench.time, waiting))
      const reason = new Error('enough')
      stop.abort(reason)
      await assert.rejects(waiting, reason)
      await aborted.send({ body: 'hello' })
      const message = await next(bench, aborted)
      assert.deepEqual([message.text(), message.deliveryCount], ['hello', 1])
    },
  },
  {
    name: 'a locked message is handed to nobody else',
    requirement: 'A3',
    catches: ['forgets locks'],
    async run(bench) {
      const queue = bench.client()
      await queue.send({ body: 'hello' })
      const message = await next(bench, queue)
      assert.ok(message.lockedUntil.getTime() > bench.time.clock.now())
      await nothing(bench, bench.client())
      await message.complete()
    },
  },
  {
    name: 'complete removes for good',
    requirement: 'C7, A5',
    catches: ['completes nothing'],
    async run(bench) {
      const queue = bench.client()
      await queue.send({ body: 'hello' })
      await (await next(bench, queue)).complete()
      await outlast(bench, bench.lockMs)
      await nothing(bench, queue)
    },
  },
  {
    name: 'a message settles once',
    requirement: 'C7, A6',
    catches: ['completes nothing'],
    async run(bench) {
      const queue = bench.client()
      await queue.send({ body: 'hello' })
      const message = await next(bench, queue)
      await message.complete()
      await rejects(() => message.complete(), 'AlreadySettled')
      await rejects(() => message.abandon(), 'AlreadySettled')
      await rejects(() => message.deadLetter({ reason: 'r' }), 'AlreadySettled')
      await outlast(bench, bench.lockMs)
      await nothing(bench, queue)
    },
  },
  {
    name: 'when a lock ends the message comes again, counted, and its old holder settles nothing',
    requirement: 'C7, C10, A6, A13, edge cases 2 and 3',
    catches: ['completes after the lock ended'],
    async run(bench) {
      const queue = bench.client()
      await queue.send({ body: 'hello' })
      const old = await next(bench, queue)
      await outlast(bench, bench.lockMs)
      const current = await next(bench, bench.client())
      assert.equal(current.deliveryCount, 2)
      await rejects(() => old.complete(), 'MessageLockLost')
      await rejects(() => old.renewLock(), 'MessageLockLost')
      await current.abandon()
      assert.equal((await next(bench, queue)).deliveryCount, 3)
    },
  },
  {
    name: 'a renewed lock lasts anew',
    requirement: 'C7, edge case 20',
    catches: ['renews nothing'],
    async run(bench) {
      const { time, lockMs } = bench
      const queue = bench.client()
      await queue.send({ body: 'hello' })
      const message = await next(bench, queue)
      const before = message.lockedUntil
      await time.advance(lockMs * 0.6)
      const renewed = await message.renewLock()
      assert.ok(renewed > before)
      assert.deepEqual(message.lockedUntil, renewed)
      await time.advance(lockMs * 0.6)
      await nothing(bench, bench.client())
      await message.complete()
    },
  },
  {
    name: 'an abandoned message is there at once, in its place, and counted',
    requirement: 'C8, PM3',
    catches: ['puts what comes back to the tail', 'keeps what is abandoned until its lock ends'],
    needs: ['order'],
    async run(bench) {
      const queue = bench.client()
      await queue.sendBatch(['first', 'second'].map((body) => ({ body, ...bench.line })))
      await (await next(bench, queue)).abandon()
      const again = await next(bench, queue)
      assert.deepEqual([again.text(), again.deliveryCount], ['first', 2])
    },
  },
  {
    name: 'a message that is abandoned with a delay comes after it, and not before, on a broker without delays too',
    requirement: 'C8',
    catches: ['ignores the delay of abandon', 'loses what is abandoned'],
    async run(bench) {
      const { time, lockMs } = bench
      const queue = bench.client()
      await queue.send({ body: 'hello' })
      await (await next(bench, queue)).abandon({ delayMs: lockMs * 0.9 })
      await time.advance(lockMs * 0.4 - time.lookMs)
      await nothing(bench, queue)
      await time.advance(lockMs * 0.5 + time.lookMs + 1)
      assert.equal((await next(bench, queue)).deliveryCount, 2)
    },
  },
  {
    name: 'a delay may be longer than the lock',
    requirement: 'C8',
    catches: ['ignores the delay of abandon', 'delays no longer than a lock'],
    async run(bench) {
      const { time, lockMs } = bench
      const queue = bench.client()
      await queue.send({ body: 'hello' })
      await (await next(bench, queue)).abandon({ delayMs: lockMs * 2 })
      await time.advance(lockMs * 1.5 - time.lookMs)
      await nothing(bench, bench.client())
      await time.advance(lockMs * 0.5 + time.lookMs + 1)
      const again = await next(bench, queue)
      assert.equal(again.deliveryCount, 2)
      await again.complete()
    },
  },
  {
    name: 'disposing an unsettled message gives it back',
    requirement: 'C8',
    catches: ['loses what is abandoned'],
    async run(bench) {
      const queue = bench.client()
      await queue.send({ body: 'hello' })
      await (await next(bench, queue))[Symbol.asyncDispose]()
      const again = await next(bench, queue)
      await again.complete()
      await again[Symbol.asyncDispose]()
      await nothing(bench, queue)
    },
  },
  {
    name: '100 parallel sends and receives lose nothing and deliver nothing twice',
    requirement: 'C20, A18',
    catches: ['forgets locks', 'loses a message in a while'],
    async run({ client, time }) {
      const queue = client()
      const count = 100
      const receiving = Promise.all(Array.from({ length: count }, () => queue.receive({ waitMs: 60_000 })))
      receiving.catch(() => {})
      const sent = await Promise.all(Array.from({ length: count }, (_, index) => queue.send({ body: String(index) })))
      const received = await soon(time, 'the delivery of every message', receiving)
      assert.deepEqual(
        received.map((message) => message?.messageId).toSorted(),
        sent.map(({ messageId }) => messageId).toSorted(),
      )
    },
  },
  {
    name: 'closing gives back what is unsettled, and every later call says that the client is closed',
    requirement: 'C21',
    catches: ['loses what is abandoned', 'keeps what is abandoned until its lock ends'],
    async run(bench) {
      const queue = bench.client()
      await queue.send({ body: 'hello' })
      const message = await next(bench, queue)
      const waiting = queue.receive({ waitMs: 60_000 })
      waiting.catch(() => {})
      await soon(bench.time, 'the end of close', Promise.all([queue.close(), queue.close()]))
      await rejects(() => waiting, 'ClientClosed')
      await rejects(() => message.complete(), 'ClientClosed')
      await rejects(() => queue.send({ body: 'x' }), 'ClientClosed')
      await rejects(() => queue.receive(), 'ClientClosed')
      assert.equal((await next(bench, bench.client())).text(), 'hello')
    },
  },
]
