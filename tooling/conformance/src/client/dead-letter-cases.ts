import assert from 'node:assert/strict'
import type { QueueClient } from '@queue-runtime/core'
import type { ClientBench } from './bench.ts'
import type { ClientCase } from './case.ts'
import { next, nothing, outlast } from './moves.ts'

const needs = ['deadLetters'] as const

/** Makes dead letters of these bodies. */
const bury = async (bench: ClientBench, queue: QueueClient, ...texts: readonly string[]): Promise<void> => {
  for (const body of texts) {
    await queue.send({ body, messageId: `m-${body}`, correlationId: 'c', attributes: { a: body }, ...bench.line })
    await (await next(bench, queue)).deadLetter({ reason: `because.${body}` })
  }
}

const lettersOf = async (queue: QueueClient): Promise<string[]> => {
  const texts: string[] = []
  for await (const letter of queue.deadLetters().messages()) texts.push((await letter.open()).text())
  return texts.toSorted()
}

/** Dead letters, and how they are sent again. */
export const deadLetterCases: readonly ClientCase[] = [
  {
    name: 'a redriven letter comes again under its message id, with its fields, and is a letter no more',
    requirement: 'D3, D5',
    catches: ['deduplicates by message id', 'completes nothing', 'drops the fields of dead letters'],
    needs,
    async run(bench) {
      const queue = bench.client()
      await bury(bench, queue, '1')
      const report = await queue.deadLetters().redrive()
      assert.deepEqual(report, { redriven: 1, skipped: 0, failed: [] })
      const message = await next(bench, queue)
      const { messageId, correlationId, attributes, deliveryCount, sessionId } = message
      assert.deepEqual(
        { text: message.text(), messageId, correlationId, attributes, deliveryCount, sessionId },
        {
          ...{ text: '1', messageId: 'm-1', correlationId: 'c', attributes: { a: '1' }, deliveryCount: 1 },
          sessionId: bench.line.sessionId,
        },
      )
      assert.equal(message.seal === null, !bench.isSealed)
      await message.complete()
      await outlast(bench, bench.lockMs)
      assert.deepEqual(await lettersOf(queue), [])
      await nothing(bench, queue)
    },
  },
  {
    name: 'a redrive sends what the filter lets through, and leaves the rest where it is',
    requirement: 'D4',
    catches: ['loses what is abandoned', 'drops the reason of dead letters'],
    needs,
    async run(bench) {
      const queue = bench.client()
      await bury(bench, queue, '1', '2', '3')
      const progress: number[] = []
      const report = await queue.deadLetters().redrive({
        filter: ({ reason }) => reason !== 'because.2',
        onProgress: (done) => void progress.push(done),
      })
      assert.deepEqual(report, { redriven: 2, skipped: 1, failed: [] })
      assert.deepEqual(progress, [1, 2, 3])
      assert.deepEqual(await lettersOf(queue), ['2'])
      const texts: string[] = []
      for (let count = 0; count < 2; count += 1) {
        const message = await next(bench, queue)
        texts.push(message.text())
        await message.complete()
      }
      assert.deepEqual(texts.toSorted(), ['1', '3'])
    },
  },
  {
    name: 'a redrive of so many letters sends no more than that',
    requirement: 'D4',
    catches: ['completes nothing'],
    needs,
    async run(bench) {
      const queue = bench.client()
      await bury(bench, queue, '1', '2', '3')
      const { redriven } = await queue.deadLetters().redrive({ maxMessages: 2 })
      assert.equal(redriven, 2)
      await outlast(bench, bench.lockMs)
      assert.equal((await lettersOf(queue)).length, 1)
    },
  },
  {
    name: 'a letter that cannot be sent again stays, and is reported',
    requirement: 'D4, D6, protocol.md 4.1',
    catches: ['loses what is abandoned', 'dead-letters nothing'],
    needs,
    async run(bench) {
      const queue = bench.client()
      await bury(bench, queue, 'good')
      const refused = bench.isSealed ? ['forged'] : []
      for (const body of refused) {
        await bench.plainClient().send({ body, messageId: 'm-forged' })
        await nothing(bench, queue)
      }
      const { redriven, skipped, failed } = await queue.deadLetters().redrive()
      assert.deepEqual([redriven, skipped], [1, 0])
      assert.deepEqual(
        failed.map(({ messageId, error }) => [messageId, error.code]),
        refused.map(() => ['m-forged', 'UnencryptedMessage']),
      )
      let left = 0
      for await (const letter of queue.deadLetters().messages()) {
        assert.equal(letter.messageId, 'm-forged')
        left += 1
      }
      assert.equal(left, refused.length)
      assert.equal((await next(bench, queue)).text(), 'good')
    },
  },
  {
    name: 'a letter is sealed anew when it is sent again: no bytes of its old envelope are used twice',
    requirement: 'D5, protocol.md 4.1',
    catches: ['treats bodies as text'],
    needs,
    async run(bench) {
      const queue = bench.client()
      const see = async (): Promise<Buffer> => {
        const [delivery] = await bench.look()
        assert.ok(delivery)
        await delivery.abandon({ delayMs: 0 })
        return Buffer.from(delivery.message.body)
      }
      await queue.send({ body: Uint8Array.of(0xff, 0xfe) })
      const before = await see()
      await (await next(bench, queue)).deadLetter({ reason: 'r' })
      await queue.deadLetters().redrive()
      assert.equal(before.equals(await see()), !bench.isSealed)
      assert.deepEqual([...(await next(bench, queue)).body], [0xff, 0xfe])
    },
  },
]
