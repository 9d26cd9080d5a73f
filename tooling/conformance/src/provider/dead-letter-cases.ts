import assert from 'node:assert/strict'
import { soon } from '../kit/time.ts'
import type { ProviderBench } from './bench.ts'
import type { ProviderCase } from './case.ts'
import { deadLettersOf, never, nothing, outlast, send, take, textOf, utf8 } from './moves.ts'

const needs = ['deadLetters'] as const

/** Makes one dead letter. */
const bury = async (bench: ProviderBench, text: string): Promise<void> => {
  const queue = bench.open()
  await send(queue, bench.message(text))
  await (await take(bench, queue)).deadLetter({ reason: 'r' })
}

/** Dead letters and their reader. */
export const deadLetterCases: readonly ProviderCase[] = [
  {
    name: 'a dead-lettered message leaves the queue, and keeps its bytes, its fields and the reason',
    requirement: 'C9, D1, D5, PS7, PA6',
    catches: [
      'dead-letters nothing',
      'drops the reason of dead letters',
      'drops the fields of dead letters',
      'treats bodies as text',
    ],
    needs,
    async run(bench) {
      const queue = bench.open()
      const body = Uint8Array.of(0x51, 0x52, 0x45, 0x31, 1, 0xff, 0, 0xfe)
      const fields = {
        messageId: 'm-1',
        correlationId: 'c',
        contentType: 'text/plain',
        attributes: { a: 'é', 'qr-auth-attrs': 'a' },
        ...bench.line,
      }
      await send(queue, bench.message(body, fields))
      await (await take(bench, queue)).deadLetter({ reason: 'order.unknown', description: 'no such order: é' })
      await nothing(bench, queue)
      await outlast(bench, bench.lockMs)
      await nothing(bench, queue)
      const { message } = await take(bench, deadLettersOf(queue))
      const { messageId, correlationId, contentType, attributes, sessionId } = message
      assert.deepEqual(Buffer.from(message.body), Buffer.from(body))
      assert.deepEqual(
        { messageId, correlationId, contentType, attributes, sessionId },
        { sessionId: undefined, ...fields },
      )
      assert.deepEqual(message.deadLettered, { reason: 'order.unknown', description: 'no such order: é' })
    },
  },
  {
    name: 'a reason without a description is just that',
    requirement: 'D1',
    catches: ['describes every dead letter'],
    needs,
    async run(bench) {
      await bury(bench, 'hello')
      const { message } = await take(bench, deadLettersOf(bench.open()))
      assert.deepEqual([message.deadLettered?.reason, message.deadLettered?.description], ['r', undefined])
    },
  },
  {
    name: 'a dead letter is locked while it is read, comes again when it is given back, and is gone when it is completed',
    requirement: 'D4, D6',
    catches: ['completes nothing', 'forgets locks', 'loses what is abandoned'],
    needs,
    async run(bench) {
      await bury(bench, 'hello')
      const [letters, others] = [deadLettersOf(bench.open()), deadLettersOf(bench.open())]
      const letter = await take(bench, letters)
      await nothing(bench, others)
      await letter.abandon({ delayMs: 0 })
      const again = await take(bench, others)
      assert.equal(textOf(again), 'hello')
      await again.complete()
      await outlast(bench, bench.lockMs)
      await nothing(bench, letters)
    },
  },
  {
    name: 'dead letters stay where they are while the queue is used, and are not received from it',
    requirement: 'D1',
    catches: ['mixes dead letters with the queue'],
    needs,
    async run(bench) {
      const queue = bench.open()
      await bury(bench, 'dead')
      await send(queue, bench.message('alive'))
      assert.equal(textOf(await take(bench, queue)), 'alive')
      await nothing(bench, queue)
      assert.equal(textOf(await take(bench, deadLettersOf(queue))), 'dead')
    },
  },
  {
    name: 'a closed reader of dead letters leaves the queue usable, and a closed queue ends its readers',
    requirement: 'C21',
    catches: ['closes the queue with its dead letters', 'leaves a receive waiting when it closes'],
    needs,
    async run(bench) {
      const { time } = bench
      const queue = bench.open()
      const letters = deadLettersOf(queue)
      await soon(time, 'the end of close', Promise.all([letters.close(), letters.close()]))
      await send(queue, bench.message('hello'))
      await (await take(bench, queue)).complete()
      const waiting = deadLettersOf(queue)
        .receive({ maxMessages: 1, waitMs: 60_000, signal: never })
        .catch(() => [])
      await soon(time, 'the end of close', queue.close())
      assert.deepEqual(await soon(time, 'the end of the wait', waiting), [])
    },
  },
  {
    name: 'a body that could not be decoded as text stays the same bytes among the dead letters',
    requirement: 'D5, PS3',
    catches: ['treats bodies as text', 'sends nothing for an empty body'],
    needs,
    async run(bench) {
      const queue = bench.open()
      for (const body of [new Uint8Array(0), Uint8Array.of(0xff, 0xfe), utf8('UVJFMQ==')]) {
        await send(queue, bench.message(body))
        await (await take(bench, queue)).deadLetter({ reason: 'r' })
        const letter = await take(bench, deadLettersOf(queue))
        assert.deepEqual(Buffer.from(letter.message.body), Buffer.from(body))
        await letter.complete()
      }
    },
  },
]
