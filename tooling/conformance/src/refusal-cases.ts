import assert from 'node:assert/strict'
import type { RejectedMessage } from '@queue-runtime/core'
import type { Case } from './bench.ts'
import { next, nothing, rejects } from './expectations.ts'
import type { Mutant } from './mutants.ts'

/** What becomes of messages that are not handed over: the dead-letter queue, its reasons and its reader. */
export const refusalCases: readonly Case<Mutant>[] = [
  {
    name: 'a dead-lettered message leaves the queue and keeps body, fields and reason',
    requirement: 'C9, D1, D5',
    catches: 'drops the reason of dead letters',
    async run({ client }) {
      const queue = client()
      await queue.send({ body: 'hello', messageId: 'm-1', sessionId: 's', attributes: { a: 'b' } })
      await (await next(queue)).deadLetter({ reason: 'order.unknown', description: 'no such order' })
      await nothing(queue)
      const letters = []
      for await (const letter of queue.deadLetters().messages()) {
        letters.push([letter.messageId, letter.sessionId, letter.attributes, letter.reason, letter.description])
        assert.equal((await letter.open()).text(), 'hello')
        await letter.complete()
      }
      assert.deepEqual(letters, [['m-1', 's', { a: 'b' }, 'order.unknown', 'no such order']])
    },
  },
  {
    name: 'a pass over the dead letters sees each once, ends, and gives back what it did not settle',
    requirement: 'D4',
    catches: 'forgets abandoned messages',
    async run({ client }) {
      const queue = client()
      await queue.sendBatch([{ body: '1' }, { body: '2' }, { body: '3' }])
      for (let count = 0; count < 3; count += 1) await (await next(queue)).deadLetter({ reason: 'r' })
      const read = async (maxMessages?: number): Promise<string[]> => {
        const ids: string[] = []
        for await (const letter of queue.deadLetters().messages({ maxMessages })) {
          ids.push((await letter.open()).text())
        }
        return ids
      }
      assert.deepEqual(await read(), ['1', '2', '3'])
      assert.deepEqual(await read(2), ['1', '2'])
      assert.deepEqual(await read(), ['1', '2', '3'])
    },
  },
  {
    name: 'a message over maxDeliveries is dead-lettered before any handler sees it',
    requirement: 'D8, A14, edge case 13',
    catches: 'counts no deliveries',
    async run({ client }) {
      const rejected: RejectedMessage[] = []
      const queue = client({ maxDeliveries: 1, onRejected: (message) => rejected.push(message) })
      await queue.send({ body: 'poison' })
      await (await next(queue)).abandon()
      await nothing(queue)
      const outcome = rejected.map(({ error, disposition, settled }) => [error.code, disposition, settled])
      assert.deepEqual(outcome, [
        ['MaxDeliveriesExceeded', { action: 'dead-letter', reason: 'qr.max-deliveries' }, true],
      ])
    },
  },
  {
    name: 'a refused message is settled and reported, and hides no good one',
    requirement: 'C4, C5, X28, attack 38',
    catches: 'drops the reason of dead letters',
    async run({ client, plainClient, isSealed }) {
      const queue = client()
      const refusals = isSealed ? ['forged', 'forged too'] : []
      await plainClient().sendBatch(refusals.map((body) => ({ body })))
      await queue.send({ body: 'good' })
      const { messages, rejected } = await queue.receiveBatch({ waitMs: 250 })
      assert.deepEqual(
        messages.map((message) => message.text()),
        ['good'],
      )
      assert.deepEqual(
        rejected.map(({ error, disposition, settled }) => [error.code, disposition, settled]),
        refusals.map(() => ['UnencryptedMessage', { action: 'dead-letter', reason: 'qr.rejected' }, true]),
      )
      await messages[0]?.deadLetter({ reason: 'qr.rejected' })
      // The description would tell whoever reads the queue which check failed.
      const reasons: unknown[] = []
      for await (const { reason, description } of queue.deadLetters().messages()) reasons.push([reason, description])
      assert.deepEqual(
        reasons,
        [...refusals, 'good'].map(() => ['qr.rejected', undefined]),
      )
    },
  },
  {
    name: 'a look without a wait gets past refused messages to the good one behind them',
    requirement: 'C4, attack 38',
    catches: 'drops the reason of dead letters',
    async run({ client, plainClient, isSealed }) {
      const queue = client()
      if (isSealed) await plainClient().sendBatch([{ body: 'forged' }, { body: 'forged too' }])
      await queue.send({ body: 'good' })
      const message = await queue.receive({ waitMs: 0 })
      assert.equal(message?.text(), 'good')
      await message?.deadLetter({ reason: 'app.seen' })
      const reasons = new Set<unknown>()
      for await (const { reason } of queue.deadLetters().messages()) reasons.add(reason)
      assert.deepEqual([...reasons].sort(), isSealed ? ['app.seen', 'qr.rejected'] : ['app.seen'])
    },
  },
  {
    name: 'a sealed message that meets a client without keys is held, and thrown as what it is',
    requirement: 'A35, protocol.md 1',
    catches: 'completes nothing',
    async run({ client, plainClient, isSealed, advance, lockMs }) {
      const queue = client()
      await queue.send({ body: 'hello' })
      if (isSealed) {
        await rejects(() => plainClient().receive({ waitMs: 0 }), 'KeyProviderMissing')
        await advance(lockMs + 1)
      }
      await (await next(queue)).complete()
      await advance(lockMs + 1)
      await nothing(queue)
    },
  },
]
