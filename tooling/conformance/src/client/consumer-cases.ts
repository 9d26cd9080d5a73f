import assert from 'node:assert/strict'
import type { QueueClient } from '@queue-runtime/core'
import { soon, until } from '../kit/time.ts'
import type { ClientCase } from './case.ts'
import { next, nothing, outlast } from './moves.ts'

const sendNumbers = (queue: QueueClient, count: number): Promise<{ messageId: string }[]> =>
  queue.sendBatch(Array.from({ length: count }, (_, index) => ({ body: String(index) })))

const lettersOf = async (queue: QueueClient): Promise<unknown[]> => {
  const letters: unknown[] = []
  for await (const letter of queue.deadLetters().messages()) letters.push([letter.reason, letter.description])
  return letters
}

/** Loops: `messages()` and `consume()`. */
export const consumerCases: readonly ClientCase[] = [
  {
    name: 'messages() yields one after the other until its signal aborts, without an error',
    requirement: 'C6',
    catches: ['forgets locks', 'sleeps through a send'],
    async run(bench) {
      const queue = bench.client()
      const stop = new AbortController()
      const texts: string[] = []
      const reading = (async (): Promise<void> => {
        for await (const message of queue.messages({ signal: stop.signal })) {
          texts.push(message.text())
          await message.complete()
          if (texts.length === 2) stop.abort()
        }
      })()
      reading.catch(() => {})
      await sendNumbers(queue, 3)
      await soon(bench.time, 'the end of the loop', reading)
      texts.push((await next(bench, queue)).text())
      assert.deepEqual(texts.toSorted(), ['0', '1', '2'])
    },
  },
  {
    name: 'a consumer handles every message, no more at once than it may, and completes them',
    requirement: 'S12, edge case 19',
    catches: ['completes nothing', 'forgets locks'],
    async run(bench) {
      const queue = bench.client()
      await sendNumbers(queue, 40)
      let running = 0
      let most = 0
      const texts: string[] = []
      const consumer = queue.consume(
        async (message) => {
          running += 1
          most = Math.max(most, running)
          await new Promise((resolve) => setImmediate(resolve))
          texts.push(message.text())
          running -= 1
        },
        { concurrency: 4 },
      )
      await until(bench.time, 'the handling of every message', () => texts.length >= 40)
      await consumer.close()
      assert.equal(consumer.state, 'stopped')
      assert.ok(most > 1 && most <= 4, `${most} handlers at once`)
      assert.equal(texts.length, 40)
      assert.equal(new Set(texts).size, 40)
      await outlast(bench, bench.lockMs)
      await nothing(bench, queue)
    },
  },
  {
    name: 'a message whose handler throws comes again, counted',
    requirement: 'S12, C8',
    catches: ['counts no deliveries', 'loses what is abandoned'],
    async run(bench) {
      const queue = bench.client()
      await queue.send({ json: { n: 1 } })
      const counts: number[] = []
      const consumer = queue.consume(({ deliveryCount }) => {
        counts.push(deliveryCount)
        if (deliveryCount < 2) throw new Error('try again')
      })
      await until(bench.time, 'the first delivery', () => counts.length === 1)
      await bench.time.advance(1_500)
      await until(bench.time, 'the second delivery', () => counts.length === 2)
      await consumer.close()
      assert.deepEqual(counts, [1, 2])
    },
  },
  {
    name: 'a message that is not what its handler expects goes to the dead letters, by the class of the error alone',
    requirement: 'S12, D1, attack 41',
    catches: ['drops the reason of dead letters'],
    needs: ['deadLetters'],
    async run(bench) {
      const queue = bench.client()
      await queue.send({ body: 'secret, and not JSON' })
      let handled = 0
      const consumer = queue.consume((message) => {
        handled += 1
        message.json()
      })
      await until(bench.time, 'the delivery', () => handled === 1)
      await consumer.close()
      assert.deepEqual(await lettersOf(queue), [['qr.invalid-body', 'InvalidBody']])
    },
  },
  {
    name: 'what the handler settled stays settled, and onError decides what it did not',
    requirement: 'S12',
    catches: ['drops the reason of dead letters'],
    needs: ['deadLetters'],
    async run(bench) {
      const queue = bench.client()
      await queue.sendBatch([{ body: 'settled' }, { body: 'decided' }])
      let handled = 0
      const consumer = queue.consume(
        async (message) => {
          handled += 1
          if (message.text() === 'settled') await message.complete()
          throw new TypeError('secret text')
        },
        { onError: () => ({ action: 'dead-letter', reason: 'app.failed' }) },
      )
      await until(bench.time, 'both deliveries', () => handled === 2)
      await consumer.close()
      assert.deepEqual(await lettersOf(queue), [['app.failed', 'TypeError']])
    },
  },
  {
    name: 'closing a consumer tells its handlers, waits for them, and leaves nothing locked',
    requirement: 'C21',
    catches: ['loses what is abandoned', 'keeps what is abandoned until its lock ends'],
    async run(bench) {
      const { time } = bench
      const queue = bench.client()
      await sendNumbers(queue, 3)
      const aborted: string[] = []
      let started = 0
      const stuck = new Promise<void>(() => {})
      const consumer = queue.consume(
        async (message, { signal }) => {
          started += 1
          const onAbort = (): void => void aborted.push(message.text())
          signal.addEventListener('abort', onAbort, { once: true })
          if (message.text() === '1') await stuck
          // Handled, and perhaps on its way to the broker still when the consumer closes.
          signal.removeEventListener('abort', onAbort)
        },
        { concurrency: 2, drainMs: 1_000 },
      )
      await until(time, 'the start of every handler', () => started === 3)
      const closing = consumer.close()
      await until(time, 'the stop', () => consumer.state === 'stopping')
      await time.advance(1_100)
      await soon(time, 'the end of close', closing)
      assert.deepEqual(aborted, ['1'])
      assert.equal((await next(bench, queue)).text(), '1')
      await nothing(bench, queue)
    },
  },
  {
    name: 'closing a consumer whose every handler is stuck ends after its drain time',
    requirement: 'C21',
    catches: ['loses what is abandoned', 'keeps what is abandoned until its lock ends'],
    async run(bench) {
      const { time } = bench
      const queue = bench.client()
      await queue.send({ body: 'stuck' })
      let started = 0
      const consumer = queue.consume(
        () => {
          started += 1
          return new Promise(() => {})
        },
        { drainMs: 1_000 },
      )
      await until(time, 'the start of the handler', () => started === 1)
      const closing = consumer.close()
      await time.advance(1_100)
      await soon(time, 'the end of close', closing)
      assert.equal((await next(bench, queue)).text(), 'stuck')
    },
  },
  {
    name: "a handler's signal aborts when its lock ends, and when the consumer closes",
    requirement: 'S12',
    catches: ['claims an endless lock'],
    async run(bench) {
      const { time, lockMs } = bench
      const queue = bench.client()
      await queue.send({ body: 'slow' })
      const reasons: unknown[] = []
      let started = 0
      const consumer = queue.consume(
        async (_, { signal }) => {
          started += 1
          await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
          reasons.push(signal.reason.code)
          throw signal.reason
        },
        { maxAutoRenewMs: 0 },
      )
      await until(time, 'the first delivery', () => started === 1)
      await outlast(bench, lockMs)
      await until(time, 'the second delivery', () => started === 2)
      await consumer.close()
      assert.deepEqual(reasons, ['MessageLockLost', 'ClientClosed'])
    },
  },
  {
    name: 'work that takes longer than a lock keeps its message',
    requirement: 'S12, edge case 20',
    catches: ['renews nothing'],
    async run(bench) {
      const { time, lockMs } = bench
      const queue = bench.client()
      await queue.send({ body: 'slow' })
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
        { maxAutoRenewMs: lockMs * 10 },
      )
      await until(time, 'the delivery', () => started === 1)
      for (let count = 0; count < 5; count += 1) await time.advance(lockMs * 0.5)
      await nothing(bench, bench.client())
      assert.deepEqual([started, aborted], [1, 0])
      done.resolve()
      await soon(time, 'the end of close', consumer.close())
      await outlast(bench, lockMs)
      await nothing(bench, queue)
    },
  },
]
