import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { isQueueError } from '@queue-runtime/core'
import { anyBytes } from '../kit/any-bytes.ts'
import { rejects } from '../kit/assertions.ts'
import type { ClientCase } from './case.ts'
import { next, nothing, utf8 } from './moves.ts'

const ALL_BYTES = Uint8Array.from({ length: 256 }, (_, byte) => byte)

const numbers = (count: number): string[] => Array.from({ length: count }, (_, index) => String(index))

/** What a message is: its bytes, its fields, its size. */
export const messageCases: readonly ClientCase[] = [
  {
    name: 'what is sent comes back: bytes, attributes, correlation id and content type',
    requirement: 'C1, A1',
    catches: ['drops attributes', 'drops the correlation id', 'drops the content type'],
    async run(bench) {
      const sent = {
        body: ALL_BYTES,
        messageId: 'order-1',
        correlationId: 'request-é',
        contentType: 'application/octet-stream',
        attributes: { tenant: 'é', empty: '' },
      }
      const queue = bench.client()
      assert.deepEqual(await queue.send(sent), { messageId: 'order-1' })
      const message = await next(bench, queue)
      const { body, messageId, correlationId, contentType, attributes, deliveryCount } = message
      assert.deepEqual({ body, messageId, correlationId, contentType, attributes }, sent)
      assert.equal(deliveryCount, 1)
      assert.equal(message.seal === null, !bench.isSealed)
    },
  },
  {
    name: 'the session id comes back',
    requirement: 'C1, A1',
    catches: ['drops the session id'],
    needs: ['sessionIds'],
    async run(bench) {
      const queue = bench.client()
      await queue.send({ body: 'hello', sessionId: 'customer-7' })
      assert.equal((await next(bench, queue)).sessionId, 'customer-7')
    },
  },
  {
    name: 'every message has an id of its own, also where nobody gives it one',
    requirement: 'C1, M5',
    catches: ['makes up message ids'],
    async run(bench) {
      const queue = bench.client()
      const sent = [await queue.send({ body: '1' }), await queue.send({ body: '2' })]
      const received = [await next(bench, queue), await next(bench, queue)]
      const ids = (some: readonly { messageId: string }[]): string[] =>
        some.map(({ messageId }) => messageId).toSorted()
      assert.deepEqual(ids(received), ids(sent))
      assert.equal(new Set(ids(sent)).size, 2)
    },
  },
  {
    name: 'a body is bytes: empty, text that looks like JSON or base64, and 50 of any bytes stay what they are',
    requirement: 'M1, A24',
    catches: ['treats bodies as text'],
    async run(bench) {
      const queue = bench.client()
      const any = numbers(50).map((length) => anyBytes(Number(length)))
      const bodies = [new Uint8Array(0), utf8('{"a":1}'), utf8('UVJFMQ=='), utf8('-'), ALL_BYTES, ...any]
      for (const body of bodies) {
        await queue.send({ body })
        const message = await next(bench, queue)
        assert.deepEqual(Buffer.from(message.body), Buffer.from(body))
        await message.complete()
      }
    },
  },
  {
    name: 'the application owns the bytes it received: scribbling on them changes nothing at the broker',
    requirement: 'M8',
    catches: ['loses what is abandoned'],
    async run(bench) {
      const queue = bench.client()
      await queue.send({ body: 'hello' })
      const first = await next(bench, queue)
      assert.equal(first.body.buffer.byteLength, 5)
      first.body.fill(0)
      await first.abandon()
      assert.equal((await next(bench, queue)).text(), 'hello')
    },
  },
  {
    name: 'the bytes of the caller are borrowed until send settles, and no longer',
    requirement: 'M1',
    catches: ['keeps the bytes of the caller'],
    async run(bench) {
      const queue = bench.client()
      const body = utf8('hello')
      await queue.send({ body })
      body.fill(0)
      assert.equal((await next(bench, queue)).text(), 'hello')
    },
  },
  {
    name: 'a batch of any size arrives complete, under the ids that it resolved with',
    requirement: 'C2, A20',
    catches: ['shortens batches'],
    async run(bench) {
      const queue = bench.client()
      const sent = await queue.sendBatch(numbers(230).map((body) => ({ body })))
      const received = new Map<string, string>()
      for (let count = 0; count < sent.length; count += 1) {
        const message = await next(bench, queue)
        received.set(message.messageId, message.text())
        await message.complete()
      }
      assert.deepEqual(
        sent.map(({ messageId }) => received.get(messageId)),
        numbers(230),
      )
    },
  },
  {
    name: 'a batch arrives in its order',
    requirement: 'C2, C15',
    catches: ['sends batches in any order'],
    needs: ['order'],
    async run(bench) {
      const queue = bench.client()
      await queue.sendBatch(numbers(25).map((body) => ({ body, ...bench.line })))
      const texts: string[] = []
      while (texts.length < 25) {
        const message = await next(bench, queue)
        texts.push(message.text())
        await message.complete()
      }
      assert.deepEqual(texts, numbers(25))
    },
  },
  {
    name: 'a message of whose fate the broker says nothing is not called sent',
    requirement: 'C3',
    catches: ['answers for fewer messages than it was given'],
    async run(bench) {
      const queue = bench.client()
      await queue.sendBatch(numbers(12).map((body) => ({ body })))
      for (let count = 0; count < 12; count += 1) await next(bench, queue)
    },
  },
  {
    name: 'a message that is too large is refused with both sizes, and nothing of its batch is sent',
    requirement: 'M11, edge case 5',
    catches: ['sends what fits of a batch'],
    async run(bench) {
      const { maxMessageBytes } = bench
      const queue = bench.client()
      const large = { body: new Uint8Array(maxMessageBytes + 1) }
      const error = await rejects(() => queue.sendBatch([{ body: 'small' }, large]), 'MessageTooLarge')
      assert.ok(isQueueError(error, 'MessageTooLarge'))
      const { size, maxSize } = error.facts
      assert.ok(size > maxSize)
      await rejects(() => queue.send(large), 'MessageTooLarge')
      await nothing(bench, queue)
    },
  },
  {
    name: 'any body that send takes is the body that receive gives, also one that begins with the marker',
    requirement: 'protocol.md 1, attack 27',
    catches: ['treats bodies as text'],
    async run(bench) {
      const queue = bench.client()
      for (const body of [utf8('QRE1'), Uint8Array.of(0x51, 0x52, 0x45, 0x31, 1, 0xff), utf8('QRE')]) {
        const isMarked = body.length > 3
        if (isMarked && !bench.isSealed) {
          await rejects(() => queue.send({ body }), 'ReservedMarker')
          continue
        }
        await queue.send({ body })
        const message = await next(bench, queue)
        assert.deepEqual(Buffer.from(message.body), Buffer.from(body))
        await message.complete()
      }
      await queue.send({ body: Uint8Array.of(0xff, 0xfe) })
      assert.deepEqual([...(await next(bench, queue)).body], [0xff, 0xfe])
    },
  },
  {
    name: 'only the body is sealed: what else a message carries can be read by a client without keys',
    requirement: 'A30, X30, A35',
    catches: ['drops attributes'],
    async run(bench) {
      await bench.client().send({ body: 'secret', messageId: 'm-1', attributes: { tenant: 'seven' } })
      const [delivery] = await bench.look()
      assert.ok(delivery)
      const { body, messageId, attributes } = delivery.message
      assert.deepEqual([messageId, attributes.tenant], ['m-1', 'seven'])
      assert.equal(Buffer.from(body).includes('secret'), !bench.isSealed)
      assert.equal(Buffer.from(body).subarray(0, 4).toString() === 'QRE1', bench.isSealed)
    },
  },
  {
    name: 'print and JSON of a message show its facts and not its body',
    requirement: 'C24, A17, E4',
    catches: ['drops attributes'],
    async run(bench) {
      const queue = bench.client()
      await queue.send({ body: 'card 4111111111111111', attributes: { tenant: 'seven' } })
      const message = await next(bench, queue)
      for (const text of [inspect(message, { depth: null }), JSON.stringify(message)]) {
        assert.ok(!text.includes('4111'), 'the body must not be shown')
        assert.ok(text.includes('seven'), 'the attributes should be shown')
      }
    },
  },
]
