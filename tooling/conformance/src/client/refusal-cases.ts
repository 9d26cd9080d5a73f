import assert from 'node:assert/strict'
import type { QueueClient, RejectedMessage } from '@queue-runtime/core'
import { rejects } from '../kit/assertions.ts'
import type { ClientCase } from './case.ts'
import { next, nothing, outlast } from './moves.ts'

const REASONS = ['app.seen', 'qr.rejected'] as const

/** The reasons of all dead letters, which are read once and given back. */
const reasonsOf = async (queue: QueueClient): Promise<(string | undefined)[]> => {
  const reasons: (string | undefined)[] = []
  for await (const { reason } of queue.deadLetters().messages()) reasons.push(reason)
  return reasons.toSorted()
}

/** What becomes of messages that are not handed over: the dead-letter queue, its reasons and its reader. */
export const refusalCases: readonly ClientCase[] = [
  {
    name: 'a dead-lettered message leaves the queue and keeps body, fields and reason',
    requirement: 'C9, D1, D5',
    catches: ['drops the reason of dead letters', 'dead-letters nothing'],
    needs: ['deadLetters'],
    async run(bench) {
      const queue = bench.client()
      await queue.send({ body: 'hello', messageId: 'm-1', attributes: { a: 'b' }, ...bench.line })
      await (await next(bench, queue)).deadLetter({ reason: 'order.unknown', description: 'no such order' })
      await nothing(bench, queue)
      const letters = []
      for await (const letter of queue.deadLetters().messages()) {
        letters.push([letter.messageId, letter.sessionId, letter.attributes, letter.reason, letter.description])
        assert.equal((await letter.open()).text(), 'hello')
        await letter.complete()
      }
      assert.deepEqual(letters, [['m-1', bench.line.sessionId, { a: 'b' }, 'order.unknown', 'no such order']])
    },
  },
  {
    name: 'a pass over the dead letters sees each once, ends, and gives back what it did not settle',
    requirement: 'D4',
    catches: ['loses what is abandoned'],
    needs: ['deadLetters'],
    async run(bench) {
      const queue = bench.client()
      await queue.sendBatch([{ body: '1' }, { body: '2' }, { body: '3' }])
      for (let count = 0; count < 3; count += 1) await (await next(bench, queue)).deadLetter({ reason: 'r' })
      const read = async (maxMessages?: number): Promise<string[]> => {
        const texts: string[] = []
        for await (const letter of queue.deadLetters().messages({ maxMessages })) {
          texts.push((await letter.open()).text())
        }
        return texts
      }
      assert.deepEqual((await read()).toSorted(), ['1', '2', '3'])
      assert.equal((await read(2)).length, 2)
      assert.deepEqual((await read()).toSorted(), ['1', '2', '3'])
    },
  },
  {
    name: 'a message over maxDeliveries is dead-lettered before any handler sees it',
    requirement: 'D8, A14, edge case 13',
    catches: ['counts no deliveries'],
    needs: ['deadLetters'],
    async run(bench) {
      const rejected: RejectedMessage[] = []
      const queue = bench.client({ maxDeliveries: 1, onRejected: (message) => void rejected.push(message) })
      await queue.send({ body: 'poison' })
      await (await next(bench, queue)).abandon()
      await nothing(bench, queue)
      const outcome = rejected.map(({ error, disposition, settled }) => [error.code, disposition, settled])
      assert.deepEqual(outcome, [
        ['MaxDeliveriesExceeded', { action: 'dead-letter', reason: 'qr.max-deliveries' }, true],
      ])
    },
  },
  {
    name: 'a refused message is settled and reported, and hides no good one',
    requirement: 'C4, C5, X28, A37, attack 38',
    catches: ['drops the reason of dead letters'],
    needs: ['deadLetters'],
    async run(bench) {
      const told: RejectedMessage[] = []
      const queue = bench.client({ onRejected: (message) => void told.push(message) })
      const refusals = bench.isSealed ? ['forged', 'forged too'] : []
      await bench.plainClient().sendBatch(refusals.map((body) => ({ body })))
      await queue.send({ body: 'good' })
      const { messages, rejected } = await queue.receiveBatch({ waitMs: 10 * bench.time.lookMs })
      assert.deepEqual(
        messages.map((message) => message.text()),
        ['good'],
      )
      await messages[0]?.deadLetter({ reason: REASONS[0] })
      await nothing(bench, queue)
      assert.ok(rejected.every((one) => told.includes(one)))
      assert.deepEqual(
        told.map(({ error, disposition, settled }) => [error.code, disposition, settled]),
        refusals.map(() => ['UnencryptedMessage', { action: 'dead-letter', reason: REASONS[1] }, true]),
      )
      assert.deepEqual(await reasonsOf(queue), [REASONS[0], ...refusals.map(() => REASONS[1])])
    },
  },
  {
    name: 'the dead letter of a refused message tells nobody why',
    requirement: 'attack 42, D1',
    catches: ['describes every dead letter'],
    needs: ['deadLetters'],
    async run(bench) {
      const queue = bench.client()
      if (bench.isSealed) {
        await bench.plainClient().send({ body: 'forged' })
        await nothing(bench, queue)
      } else {
        await queue.send({ body: 'hello' })
        await (await next(bench, queue)).deadLetter({ reason: REASONS[1] })
      }
      const letters: unknown[] = []
      for await (const { reason, description } of queue.deadLetters().messages()) letters.push([reason, description])
      assert.deepEqual(letters, [[REASONS[1], undefined]])
    },
  },
  {
    name: 'a single receive gets past refused messages to the good one behind them',
    requirement: 'C4, attack 38',
    catches: ['drops the reason of dead letters'],
    needs: ['deadLetters'],
    async run(bench) {
      const queue = bench.client()
      if (bench.isSealed) await bench.plainClient().sendBatch([{ body: 'forged' }, { body: 'forged too' }])
      await queue.send({ body: 'good' })
      const message = await next(bench, queue)
      assert.equal(message.text(), 'good')
      await message.deadLetter({ reason: REASONS[0] })
      await nothing(bench, queue)
      const reasons = [...new Set(await reasonsOf(queue))]
      assert.deepEqual(reasons, bench.isSealed ? REASONS : [REASONS[0]])
    },
  },
  {
    name: 'a sealed message that meets a client without keys is kept, and thrown as what it is',
    requirement: 'A35, protocol.md 1',
    catches: ['completes nothing'],
    async run(bench) {
      const queue = bench.client()
      await queue.send({ body: 'hello' })
      if (bench.isSealed) {
        const plain = bench.plainClient()
        await rejects(() => plain.receive({ waitMs: 10 * bench.time.lookMs }), 'KeyProviderMissing')
        await plain.close()
        await outlast(bench, bench.lockMs)
      }
      await (await next(bench, queue)).complete()
      await outlast(bench, bench.lockMs)
      await nothing(bench, queue)
    },
  },
]
