import assert from 'node:assert/strict'
import { rejects } from '../kit/assertions.ts'
import { soon } from '../kit/time.ts'
import type { ClientCase } from './case.ts'
import { next, nothing, outlast } from './moves.ts'

/** What the surroundings of a client ask of it: a host that pushes deliveries, a probe of health. */
export const hostCases: readonly ClientCase[] = [
  {
    name: 'what a host pushes is handled and settled as what is pulled',
    requirement: 'contracts.ts, S12',
    catches: ['completes nothing', 'loses what is abandoned'],
    async run(bench) {
      const queue = bench.client()
      await queue.send({ body: 'good' })
      await queue.send({ body: 'bad' })
      const deliveries = [...(await bench.look()), ...(await bench.look())]
      assert.equal(deliveries.length, 2)
      const seen: string[] = []
      const processing = queue.process(
        deliveries,
        (message) => {
          seen.push(message.text())
          if (message.text() === 'bad') throw new Error('bad')
        },
        { concurrency: 2, onError: () => ({ action: 'abandon', delayMs: 0 }) },
      )
      await soon(bench.time, 'the handling of both', processing)
      assert.deepEqual(seen.toSorted(), ['bad', 'good'])
      const again = await next(bench, queue)
      assert.deepEqual([again.text(), again.deliveryCount], ['bad', 2])
      await again.complete()
      await outlast(bench, bench.lockMs)
      await nothing(bench, queue)
    },
  },
  {
    name: 'what a host pushes of one session is handled in its order, and nothing behind a message that failed',
    requirement: 'contracts.ts, C15',
    catches: ['puts what comes back to the tail', 'sends batches in any order'],
    needs: ['order', 'sessionIds'],
    async run(bench) {
      const queue = bench.client()
      await queue.sendBatch(['1', '2', '3'].map((body) => ({ body, sessionId: 'line' })))
      const deliveries = await bench.look()
      const pushed = deliveries.map(({ message }) => message.messageId)
      const seen: string[] = []
      await queue.process(
        deliveries,
        (message) => {
          seen.push(message.messageId)
          throw new Error('bad')
        },
        { concurrency: 3, onError: () => ({ action: 'abandon', delayMs: 0 }) },
      )
      assert.deepEqual(seen, pushed.slice(0, 1))
      const texts: string[] = []
      while (texts.length < 3) {
        const message = await next(bench, queue)
        texts.push(message.text())
        await message.complete()
      }
      assert.deepEqual(texts, ['1', '2', '3'])
    },
  },
  {
    name: 'health tells how many messages wait, and consumes none',
    requirement: 'O3, contracts.ts',
    catches: ['probes by receiving', 'tells any depth'],
    needs: ['probe', 'depth'],
    async run(bench) {
      const queue = bench.client()
      assert.deepEqual(await queue.health(), { depth: 0 })
      await queue.sendBatch([{ body: '1' }, { body: '2' }])
      assert.deepEqual(await queue.health(), { depth: 2 })
      assert.equal((await next(bench, queue)).deliveryCount, 1)
    },
  },
  {
    name: 'whatever is asked of a queue that does not exist gives QueueNotFound, and a consumer of it fails',
    requirement: 'A2, contracts.ts',
    catches: ['makes missing queues up'],
    needs: ['missingQueue'],
    async run(bench) {
      const queue = bench.missingClient()
      await rejects(() => queue.send({ body: 'hello' }), 'QueueNotFound')
      await rejects(() => queue.receive({ waitMs: 0 }), 'QueueNotFound')
      const consumer = queue.consume(() => {})
      await rejects(() => soon(bench.time, 'the end of the consumer', consumer.finished), 'QueueNotFound')
      assert.equal(consumer.state, 'failed')
    },
  },
]
