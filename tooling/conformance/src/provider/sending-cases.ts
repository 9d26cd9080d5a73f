import assert from 'node:assert/strict'
import { isQueueError } from '@queue-runtime/core'
import { rejects } from '../kit/assertions.ts'
import type { ProviderCase } from './case.ts'
import { handleAll, never, nothing, numbers, send, take, takeAll, textOf } from './moves.ts'

/** What becomes of the messages of one call: all of them, in order, or none. */
export const sendingCases: readonly ProviderCase[] = [
  {
    name: 'any number of messages is sent, with one outcome for each',
    requirement: 'C2, C3, A20',
    catches: ['shortens batches', 'answers for fewer messages than it was given'],
    async run(bench) {
      const queue = bench.open()
      const texts = numbers(230)
      await send(queue, ...texts.map((text) => bench.message(text)))
      const taken = await takeAll(bench, queue, texts.length)
      assert.deepEqual(taken.map(textOf).toSorted(), texts.toSorted())
    },
  },
  {
    name: 'none of no messages is sent, and that is no error',
    requirement: 'C2',
    catches: ['cannot send nothing'],
    async run({ open }) {
      assert.deepEqual(await open().send([], { signal: never }), [])
    },
  },
  {
    name: 'what is sent in one call arrives in its order',
    requirement: 'C2, C15',
    catches: ['sends batches in any order'],
    needs: ['order'],
    async run(bench) {
      const queue = bench.open()
      const texts = numbers(25)
      await send(queue, ...texts.map((text) => bench.message(text, bench.line)))
      assert.deepEqual(await handleAll(bench, queue, texts.length), texts)
    },
  },
  {
    name: 'a message that is too large is refused with both sizes, and nothing of its call is sent',
    requirement: 'M11, C2, edge case 5',
    catches: ['sends what fits of a batch'],
    async run(bench) {
      const queue = bench.open()
      const large = bench.message(new Uint8Array(bench.maxMessageBytes + 1))
      const error = await rejects(
        () => queue.send([bench.message('small'), large, bench.message('small')], { signal: never }),
        'MessageTooLarge',
      )
      assert.ok(isQueueError(error, 'MessageTooLarge'))
      assert.ok(error.facts.size > error.facts.maxSize)
      await nothing(bench, queue)
    },
  },
  {
    name: 'the sizes are true: a message that is shortened by what it is too large is sent',
    requirement: 'M11',
    catches: ['tells wrong sizes'],
    async run(bench) {
      const queue = bench.open()
      const large = bench.message(new Uint8Array(bench.maxMessageBytes + 100))
      const error = await rejects(() => queue.send([large], { signal: never }), 'MessageTooLarge')
      assert.ok(isQueueError(error, 'MessageTooLarge'))
      const excess = error.facts.size - error.facts.maxSize
      const fitting = new Uint8Array(large.body.subarray(excess))
      await send(queue, bench.message(fitting, { messageId: large.messageId }))
      assert.equal((await take(bench, queue)).message.body.length, fitting.length)
    },
  },
  {
    name: 'messages that are too large together are sent in several calls of the broker',
    requirement: 'C2, edge case 5',
    catches: ['refuses what is too large together'],
    async run(bench) {
      const queue = bench.open()
      const body = new Uint8Array(Math.floor(bench.maxMessageBytes / 3))
      await send(queue, ...numbers(5).map(() => bench.message(body)))
      assert.equal((await takeAll(bench, queue, 5)).length, 5)
    },
  },
  {
    name: 'the bytes of the caller are borrowed until send settles, and no longer',
    requirement: 'M1',
    catches: ['keeps the bytes of the caller'],
    async run(bench) {
      const queue = bench.open()
      const message = bench.message('hello')
      await send(queue, message)
      message.body.fill(0)
      assert.equal(textOf(await take(bench, queue)), 'hello')
    },
  },
  {
    name: 'a deduplication id that the broker knows is accepted, and not delivered again',
    requirement: 'PM9, PS9, R4, edge case 4',
    catches: ['knows no duplicates'],
    needs: ['deduplication'],
    async run(bench) {
      const queue = bench.open()
      const message = bench.message('hello', bench.line)
      await send(queue, message)
      await send(queue, message)
      await (await take(bench, queue)).complete()
      await nothing(bench, queue)
    },
  },
  {
    name: 'a send whose signal is aborted already rejects with its reason, and sends nothing',
    requirement: 'C6',
    catches: ['sends in spite of an abort'],
    async run(bench) {
      const queue = bench.open()
      const reason = new Error('enough')
      await assert.rejects(queue.send([bench.message('hello')], { signal: AbortSignal.abort(reason) }), reason)
      await nothing(bench, queue)
    },
  },
]
