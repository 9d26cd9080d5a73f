import assert from 'node:assert/strict'
import type { QueueClient } from '@queue-runtime/core'
import type { Case } from './bench.ts'
import { next, nothing } from './expectations.ts'
import type { Mutant } from './mutants.ts'

/** Resolves once `isTrue` holds; the clock of the subject does not move. */
const until = async (isTrue: () => boolean): Promise<void> => {
  for (let turn = 0; !isTrue(); turn += 1) {
    assert.ok(turn < 20_000, 'what was waited for did not happen')
    await new Promise((resolve) => setImmediate(resolve))
  }
}

const sendNumbers = (queue: QueueClient, count: number) =>
  queue.sendBatch(Array.from({ length: count }, (_, index) => ({ body: String(index) })))

/** Loops: `messages()` and `consume()`. */
export const consumerCases: readonly Case<Mutant>[] = [
  {
    name: 'messages() yields one after the other until its signal aborts, without an error',
    requirement: 'C6',
    catches: 'forgets locks',
    async run({ client }) {
      const queue = client()
      await sendNumbers(queue, 3)
      const stop = new AbortController()
      const texts: string[] = []
      for await (const message of queue.messages({ signal: stop.signal })) {
        texts.push(message.text())
        await message.complete()
        if (texts.length === 2) stop.abort()
      }
      assert.deepEqual(texts, ['0', '1'])
      assert.equal((await next(queue)).text(), '2')
    },
  },
  {
    name: 'a consumer handles every message, no more at once than it may, and completes them',
    requirement: 'S12, edge case 19',
    catches: 'completes nothing',
    async run({ client, advance, lockMs }) {
      const queue = client()
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
      await until(() => texts.length === 40)
      await consumer.close()
      assert.deepEqual([consumer.state, most], ['stopped', 4])
      assert.equal(new Set(texts).size, 40)
      await advance(lockMs + 1)
      await nothing(queue)
    },
  },
  {
    name: 'a message whose handler throws comes again, counted; one that is not JSON goes to the dead letters',
    requirement: 'S12',
    catches: 'counts no deliveries',
    async run({ client, advance }) {
      const queue = client()
      await queue.sendBatch([{ body: '{"n":1}' }, { body: 'not json' }])
      const counts: number[] = []
      const consumer = queue.consume((message) => {
        message.json()
        counts.push(message.deliveryCount)
        if (message.deliveryCount < 2) throw new Error('try again')
      })
      await until(() => counts.length === 1)
      await advance(1_500)
      await until(() => counts.length === 2)
      await consumer.close()
      assert.deepEqual(counts, [1, 2])
      const letters: unknown[] = []
      for await (const letter of queue.deadLetters().messages()) letters.push([letter.reason, letter.description])
      assert.deepEqual(letters, [['qr.invalid-body', 'InvalidBody']])
    },
  },
  {
    name: 'what the handler settled stays settled, and onError decides what it did not',
    requirement: 'S12',
    catches: 'drops the reason of dead letters',
    async run({ client }) {
      const queue = client()
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
      await until(() => handled === 2)
      await consumer.close()
      const letters: unknown[] = []
      for await (const letter of queue.deadLetters().messages()) letters.push([letter.reason, letter.description])
      assert.deepEqual(letters, [['app.failed', 'TypeError']])
    },
  },
  {
    name: 'closing a consumer tells its handlers, waits for them, and leaves nothing locked',
    requirement: 'C21',
    catches: 'forgets abandoned messages',
    async run({ client, advance }) {
      const queue = client()
      await sendNumbers(queue, 3)
      const aborted: string[] = []
      let started = 0
      const stuck = new Promise<void>(() => {})
      const consumer = queue.consume(
        async (message, { signal }) => {
          started += 1
          signal.addEventListener('abort', () => aborted.push(message.text()), { once: true })
          if (message.text() === '1') await stuck
        },
        { concurrency: 2, drainMs: 1_000 },
      )
      await until(() => started === 3)
      const closing = consumer.close()
      await until(() => consumer.state === 'stopping')
      await advance(1_100)
      await closing
      assert.deepEqual(aborted, ['1'])
      assert.equal((await next(queue)).text(), '1')
      await nothing(queue)
    },
  },
  {
    name: 'closing a consumer whose every handler is stuck ends after its drain time',
    requirement: 'C21',
    catches: 'forgets abandoned messages',
    async run({ client, advance }) {
      const queue = client()
      await queue.send({ body: 'stuck' })
      let started = 0
      const consumer = queue.consume(
        () => {
          started += 1
          return new Promise(() => {})
        },
        { drainMs: 1_000 },
      )
      await until(() => started === 1)
      const closing = consumer.close()
      await advance(1_100)
      await closing
      assert.equal((await next(queue)).text(), 'stuck')
    },
  },
  {
    name: "a handler's signal aborts when its lock ends, and when the consumer closes",
    requirement: 'S12',
    catches: 'claims an endless lock',
    async run({ client, advance, lockMs }) {
      const queue = client()
      await queue.send({ body: 'slow' })
      const reasons: unknown[] = []
      let started = 0
      const consumer = queue.consume((_, { signal }) => {
        started += 1
        const aborted = Promise.withResolvers<void>()
        signal.addEventListener('abort', () => aborted.resolve(), { once: true })
        return aborted.promise.then(() => reasons.push(signal.reason.code))
      })
      await until(() => started === 1)
      await advance(lockMs + 1)
      await until(() => started === 2)
      await consumer.close()
      assert.deepEqual(reasons, ['MessageLockLost', 'ClientClosed'])
    },
  },
]
