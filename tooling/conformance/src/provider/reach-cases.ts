import assert from 'node:assert/strict'
import { isQueueError } from '@queue-runtime/core'
import { ofCode, rejects } from '../kit/assertions.ts'
import type { ProviderCase } from './case.ts'
import { never, nothing, send, take, takeAll } from './moves.ts'

const BAD_NAMES: readonly (readonly [queue: string, rule: string])[] = [
  ['', 'out-of-range'],
  ['q'.repeat(261), 'out-of-range'],
  ['-orders', 'invalid-format'],
  ['orders-', 'invalid-format'],
  ['or--ders', 'invalid-format'],
  ['orders.fifo', 'invalid-format'],
  ['orders/other', 'invalid-format'],
  ['órders', 'invalid-format'],
]

/** Whether a queue is there, and how it is called. */
export const reachCases: readonly ProviderCase[] = [
  {
    name: 'a queue name outside of the grammar is refused when the queue is opened',
    requirement: 'M2, SC5',
    catches: ['takes any name'],
    async run({ provider }) {
      assert.ok(provider.name.length > 0)
      for (const [queue, rule] of BAD_NAMES) {
        assert.throws(
          () => provider.open(queue),
          (thrown) => {
            const error = ofCode(thrown, 'Validation')
            assert.ok(isQueueError(error, 'Validation'))
            assert.deepEqual(error.facts, { field: 'queue', rule })
            return true
          },
          queue,
        )
      }
    },
  },
  {
    name: 'whatever is asked of a queue that does not exist gives QueueNotFound with its name',
    requirement: 'A2, PS13, PA8',
    catches: ['makes missing queues up'],
    needs: ['missingQueue'],
    async run({ open, message, missingQueue = '' }) {
      const calls: readonly ((transport: ReturnType<typeof open>) => Promise<unknown> | undefined)[] = [
        (queue) => queue.send([message('hello')], { signal: never }),
        (queue) => queue.receive({ maxMessages: 1, waitMs: 0, signal: never }),
        (queue) => queue.deadLetters?.().receive({ maxMessages: 1, waitMs: 0, signal: never }),
        (queue) => queue.acceptSession?.({ sessionId: undefined, waitMs: 0, signal: never }),
        (queue) => queue.probe?.({ signal: never }),
      ]
      for (const call of calls) {
        const answer = call(open(missingQueue))
        if (answer === undefined) continue
        const error = await rejects(() => answer, 'QueueNotFound')
        assert.ok(isQueueError(error, 'QueueNotFound'))
        assert.deepEqual([error.facts, error.isTransient], [{ queue: missingQueue }, false])
      }
    },
  },
  {
    name: 'a probe consumes nothing',
    requirement: 'O3, contracts.ts',
    catches: ['probes by receiving'],
    needs: ['probe'],
    async run(bench) {
      const queue = bench.open()
      await send(queue, bench.message('hello'))
      for (let count = 0; count < 3; count += 1) await queue.probe?.({ signal: never })
      const delivery = await take(bench, queue)
      assert.equal(delivery.message.deliveryCount, 1)
      await delivery.complete()
      await queue.probe?.({ signal: never })
      await nothing(bench, queue)
    },
  },
  {
    name: 'a probe tells how many messages there are',
    requirement: 'O3',
    catches: ['tells any depth'],
    needs: ['probe', 'depth'],
    async run(bench) {
      const queue = bench.open()
      const depth = async (): Promise<number | undefined> => (await queue.probe?.({ signal: never }))?.depth
      assert.equal(await depth(), 0)
      await send(queue, ...['1', '2', '3'].map((text) => bench.message(text)))
      assert.equal(await depth(), 3)
      for (const delivery of await takeAll(bench, queue, 3)) await delivery.complete()
      assert.equal(await depth(), 0)
    },
  },
  {
    name: 'a probe whose signal is aborted rejects with its reason',
    requirement: 'C6',
    catches: ['probes in spite of an abort'],
    needs: ['probe'],
    async run({ open }) {
      const reason = new Error('enough')
      await assert.rejects(Promise.resolve(open().probe?.({ signal: AbortSignal.abort(reason) })), reason)
    },
  },
]
