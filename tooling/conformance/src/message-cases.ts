import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import type { Case } from './bench.ts'
import { next, rejects } from './expectations.ts'
import type { Mutant } from './mutants.ts'

const ALL_BYTES = Uint8Array.from({ length: 256 }, (_, byte) => byte)
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

/** What a message is: its bytes, its fields, its size. */
export const messageCases: readonly Case<Mutant>[] = [
  {
    name: 'what is sent comes back: bytes, attributes, session, correlation id and content type',
    requirement: 'C1, A1',
    catches: 'drops attributes',
    async run({ client }) {
      const sent = {
        body: ALL_BYTES,
        messageId: 'order-1',
        sessionId: 'customer 7',
        correlationId: 'request-é',
        contentType: 'application/octet-stream',
        attributes: { tenant: 'é', empty: '' },
      }
      const queue = client()
      assert.deepEqual(await queue.send(sent), { messageId: 'order-1' })
      const { body, messageId, sessionId, correlationId, contentType, attributes, deliveryCount } = await next(queue)
      assert.deepEqual({ body, messageId, sessionId, correlationId, contentType, attributes }, sent)
      assert.equal(deliveryCount, 1)
    },
  },
  {
    name: 'a body is bytes: empty, text that looks like JSON or base64, and 100 random bodies stay what they are',
    requirement: 'M1, A24',
    catches: 'treats bodies as text',
    async run({ client }) {
      const queue = client()
      const random = Array.from({ length: 100 }, (_, index) => new Uint8Array(randomBytes(index)))
      const bodies = [new Uint8Array(0), utf8('{"a":1}'), utf8('UVJFMQ=='), utf8('-'), ALL_BYTES, ...random]
      for (const body of bodies) {
        await queue.send({ body })
        const message = await next(queue)
        assert.deepEqual(Buffer.from(message.body), Buffer.from(body))
        await message.complete()
      }
    },
  },
  {
    name: 'the application owns the bytes it received: scribbling on them changes nothing at the broker',
    requirement: 'M8',
    catches: 'forgets abandoned messages',
    async run({ client, plainClient, isSealed }) {
      const queue = isSealed ? client() : plainClient()
      await queue.send({ body: 'hello' })
      const first = await next(queue)
      assert.equal(first.body.buffer.byteLength, 5)
      first.body.fill(0)
      await first.abandon()
      assert.equal((await next(queue)).text(), 'hello')
    },
  },
  {
    name: 'the bytes of the caller are borrowed until send settles, and no longer',
    requirement: 'M1',
    catches: 'keeps the bytes of the caller',
    async run({ client }) {
      const queue = client()
      const body = utf8('hello')
      await queue.send({ body })
      body.fill(0)
      assert.equal((await next(queue)).text(), 'hello')
    },
  },
  {
    name: 'a batch of any size arrives complete and in order, under the ids that it resolved with',
    requirement: 'C2, A20',
    catches: 'shortens batches',
    async run({ client }) {
      const queue = client()
      const sent = await queue.sendBatch(Array.from({ length: 230 }, (_, index) => ({ body: String(index) })))
      const received: string[] = []
      const texts: string[] = []
      while (received.length < sent.length) {
        const message = await next(queue)
        received.push(message.messageId)
        texts.push(message.text())
        await message.complete()
      }
      assert.deepEqual(
        received,
        sent.map(({ messageId }) => messageId),
      )
      assert.deepEqual(
        texts,
        Array.from({ length: 230 }, (_, index) => String(index)),
      )
    },
  },
  {
    name: 'a message of whose fate the broker says nothing is not called sent',
    requirement: 'C3',
    catches: 'answers for fewer messages than it was given',
    async run({ client }) {
      const queue = client()
      await queue.sendBatch(Array.from({ length: 12 }, (_, index) => ({ body: String(index) })))
      const { messages } = await queue.receiveBatch({ maxMessages: 12, waitMs: 250 })
      assert.equal(messages.length, 12)
    },
  },
  {
    name: 'a message that is too large is refused with both sizes, and nothing of its batch is sent',
    requirement: 'M11, edge case 5',
    catches: 'sends what fits of a batch',
    async run({ client, maxMessageBytes }) {
      const queue = client()
      const large = { body: new Uint8Array(maxMessageBytes + 1) }
      await assert.rejects(queue.sendBatch([{ body: 'small' }, large]), (error: Error & { facts?: unknown }) => {
        const { size, maxSize } = error.facts as { size: number; maxSize: number }
        assert.ok(size > maxSize && maxSize <= maxMessageBytes)
        return true
      })
      await rejects(() => queue.send(large), 'MessageTooLarge')
      assert.equal(await queue.receive({ waitMs: 0 }), null)
    },
  },
  {
    name: 'any body that send takes is the body that receive gives, also one that begins with the marker',
    requirement: 'protocol.md 1, attack 27',
    catches: 'treats bodies as text',
    async run({ client, isSealed }) {
      const queue = client()
      for (const body of [utf8('QRE1'), Uint8Array.of(0x51, 0x52, 0x45, 0x31, 1, 0xff), utf8('QRE')]) {
        const isMarked = body.length > 3
        if (isMarked && !isSealed) {
          await rejects(() => queue.send({ body }), 'ReservedMarker')
          continue
        }
        await queue.send({ body })
        const message = await next(queue)
        assert.deepEqual(Buffer.from(message.body), Buffer.from(body))
        await message.complete()
      }
      await queue.send({ body: Uint8Array.of(0xff, 0xfe) })
      assert.deepEqual([...(await next(queue)).body], [0xff, 0xfe])
    },
  },
  {
    name: 'print and JSON of a message show its facts and not its body',
    requirement: 'C24, A17, E4',
    catches: 'drops attributes',
    async run({ client }) {
      const queue = client()
      await queue.send({ body: 'card 4111111111111111', attributes: { tenant: 'seven' } })
      const message = await next(queue)
      for (const text of [inspect(message, { depth: null }), JSON.stringify(message)]) {
        assert.ok(!text.includes('4111'), 'the body must not be shown')
        assert.ok(text.includes('seven'), 'the attributes should be shown')
      }
    },
  },
]
