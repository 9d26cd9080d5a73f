import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { IncomingMessage, WireMessage } from '@queue-runtime/core/provider'
import { anyBytes } from '../kit/any-bytes.ts'
import type { ProviderCase } from './case.ts'
import { numbers, send, take, takeAll, textOf, utf8 } from './moves.ts'

const ALL_BYTES = Uint8Array.from({ length: 256 }, (_, byte) => byte)

/** What looks like something else to whoever looks into it. */
const BODIES: readonly Uint8Array[] = [
  new Uint8Array(0),
  ALL_BYTES,
  utf8('{"a": 1}'),
  utf8('UVJFMQ=='),
  utf8('-'),
  Uint8Array.of(0x51, 0x52, 0x45, 0x31, 1, 0xff),
  Uint8Array.of(0xff, 0xfe),
]

/** What comes back of the fields that a message is sent with. */
const roundTrip = (
  what: string,
  requirement: string,
  catches: ProviderCase['catches'],
  fields: Partial<Omit<WireMessage, 'body'>>,
  ...needs: readonly NonNullable<ProviderCase['needs']>[number][]
): ProviderCase => ({
  name: `${what} back`,
  requirement,
  catches,
  needs,
  async run(bench) {
    const queue = bench.open()
    await send(queue, bench.message('hello', fields))
    const { message } = await take(bench, queue)
    const { deduplicationId, ...visible } = fields
    for (const [name, value] of Object.entries(visible)) {
      assert.deepEqual(message[name as keyof IncomingMessage], value, name)
    }
  },
})

/** Twelve, which is more than a broker may take one by one. */
const ATTRIBUTES: Readonly<Record<string, string>> = {
  tenant: 'é',
  empty: '',
  'a.b-c_D': '"quoted", {braced}',
  ...Object.fromEntries(numbers(9).map((number) => [`attribute-${number}`, number])),
}

const LIBRARY_ATTRIBUTES = {
  'qr-auth-attrs': 'tenant',
  'qr-resealed-from': '1767225600000',
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  tracestate: 'vendor=1',
}

/** What a message carries: its bytes, its fields, its ids. */
export const fieldCases: readonly ProviderCase[] = [
  {
    name: 'a body is bytes: what looks like text, JSON or base64 stays what it is',
    requirement: 'M1, PA1, protocol.md 2',
    catches: ['treats bodies as text', 'parses bodies as JSON', 'sends nothing for an empty body'],
    async run(bench) {
      const queue = bench.open()
      const any = numbers(20).map((length) => anyBytes(Number(length)))
      for (const body of [...BODIES, ...any]) {
        await send(queue, bench.message(body))
        const delivery = await take(bench, queue)
        assert.deepEqual(Buffer.from(delivery.message.body), Buffer.from(body))
        assert.equal(delivery.message.malformed, undefined)
        await delivery.complete()
      }
    },
  },
  roundTrip('the message id comes', 'C1, M5, protocol.md 2', ['makes up message ids', 'shortens message ids'], {
    messageId: '!order~'.padEnd(128, '7'),
  }),
  roundTrip('the correlation id comes', 'C1', ['drops the correlation id'], { correlationId: 'request é/7' }),
  roundTrip('the content type comes', 'C1', ['drops the content type'], { contentType: 'application/octet-stream' }),
  roundTrip('the session id comes', 'C1', ['drops the session id'], { sessionId: 'owner/repo/pull/42' }, 'sessionIds'),
  roundTrip(
    'attributes of any number and text come',
    'C1, M12, PS10',
    ['drops attributes', 'takes ten attributes at most'],
    {
      attributes: ATTRIBUTES,
    },
  ),
  roundTrip(
    'the attributes of the library itself come',
    'protocol.md 2, O10',
    ['drops the attributes of the library'],
    {
      attributes: LIBRARY_ATTRIBUTES,
    },
  ),
  {
    name: 'what was not set is absent',
    requirement: 'C1, M8, protocol.md 2',
    catches: ['fills in what was not set'],
    async run(bench) {
      const queue = bench.open()
      const sent = bench.message('hello')
      await send(queue, sent)
      const { sessionId, correlationId, contentType, attributes, deadLettered } = (await take(bench, queue)).message
      assert.deepEqual(
        { sessionId, correlationId, contentType, attributes, deadLettered },
        {
          ...{ sessionId: sent.sessionId, correlationId: undefined, contentType: undefined },
          ...{ attributes: {}, deadLettered: undefined },
        },
      )
    },
  },
  {
    name: "the broker's own id stands beside the message id, and no two messages share it",
    requirement: 'M8, protocol.md 2',
    catches: ['has one broker id for all'],
    async run(bench) {
      const queue = bench.open()
      await send(queue, ...numbers(3).map((text) => bench.message(text)))
      const ids = (await takeAll(bench, queue, 3)).map(({ message }) => message.brokerMessageId)
      assert.ok(ids.every((id) => id.length > 0))
      assert.equal(new Set(ids).size, 3)
    },
  },
  {
    name: 'a message that is sent anew keeps its message id, and the new deduplication id does not show',
    requirement: 'D3, PS9, protocol.md 2',
    catches: ['shows the deduplication id', 'deduplicates by message id'],
    async run(bench) {
      const queue = bench.open()
      await send(queue, bench.message('first', { messageId: 'm-1' }))
      const first = await take(bench, queue)
      await first.complete()
      await send(queue, bench.message('again', { messageId: 'm-1', deduplicationId: randomUUID() }))
      const again = await take(bench, queue)
      assert.deepEqual([first.message.messageId, again.message.messageId, textOf(again)], ['m-1', 'm-1', 'again'])
    },
  },
]
