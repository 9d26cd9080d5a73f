import type { ServiceBusMessage } from '@azure/service-bus'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bodyBytes, toIncoming } from '../src/incoming.ts'
import { toMessage } from '../src/outgoing.ts'
import { scaled } from './scale.ts'
import { lettersOf, local, never, send, sendRaw, take, takeAll, takeRaw, utf8, wire } from './support.ts'

const here = local()

const LOCK = { until: 1_000 }
const QUEUE = { isDeadLetters: false }

const anyText = fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed())

const anyMessage = fc.record(
  {
    messageId: fc.stringMatching(/^[\x21-\x7e]{1,128}$/),
    deduplicationId: fc.stringMatching(/^[\x21-\x7e]{1,128}$/),
    sessionId: fc.stringMatching(/^[\x20-\x7e]{1,128}$/),
    correlationId: anyText.filter((text) => text.length > 0 && text.length <= 256),
    contentType: fc.stringMatching(/^[\x20-\x7e]{1,64}$/),
    attributes: fc.dictionary(fc.stringMatching(/^[A-Za-z0-9_.-]{1,32}$/), anyText, { maxKeys: 14 }),
  },
  { requiredKeys: ['messageId', 'attributes'] },
)

describe('a message of ours', () => {
  it('comes back over the wire as it was, whatever is in it (PA5, C1, M1)', async () => {
    const { open, queue: make } = here()
    const transport = open(make())
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.uint8Array(), anyMessage), { minLength: 1, maxLength: 20 }),
        async (given) => {
          const messages = given.map(([body, fields]) => wire(body, fields))
          await send(transport, ...messages)
          const taken = await takeAll(transport, messages.length)
          await Promise.all(taken.map((delivery) => delivery.complete()))
          const seen = Map.groupBy(taken, ({ message }) => message.messageId)
          for (const { deduplicationId: _, body, ...fields } of messages) {
            const same = seen.get(fields.messageId)?.map(({ message }) => message)
            expect(same).toContainEqual(expect.objectContaining({ ...fields, body: new Uint8Array(body) }))
          }
        },
      ),
      { seed: 20_260_101, numRuns: scaled(10) },
    )
  })

  it('is known to the broker by the id that it is deduplicated by, and to the receiver by its own (protocol.md 2)', async () => {
    const { open, queue: make, look } = here()
    const queue = make({ duplicateDetectionMs: 60_000 })
    const transport = open(queue)
    await send(transport, wire('a', { messageId: 'm' }), wire('again', { messageId: 'm' }))
    await send(transport, wire('fresh', { messageId: 'm', deduplicationId: 'other' }))
    expect(
      look(queue)
        .messages()
        .map(({ messageId }) => messageId),
    ).toEqual(['m', 'other'])
    const taken = await takeAll(transport, 2)
    expect(taken.map(({ message }) => message.messageId)).toEqual(['m', 'm'])
    expect(taken.map(({ message }) => message.brokerMessageId)).toEqual(
      look(queue)
        .messages()
        .map(({ sequenceNumber }) => String(sequenceNumber)),
    )
  })

  it('carries its trace for the SDKs of Azure, too (O10)', async () => {
    const { tool, open, queue: make } = here()
    const queue = make()
    const attributes = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`, tracestate: 'x=y', tenant: 't' }
    await send(open(queue), wire('a', { attributes }))
    const { messages, receiver } = await takeRaw(tool, queue)
    expect(messages[0]?.applicationProperties).toMatchObject({ ...attributes, 'Diagnostic-Id': attributes.traceparent })
    await Promise.all(messages.map((message) => receiver.abandonMessage(message)))
    await receiver.close()
    expect((await take(open(queue))).message.attributes).toEqual(attributes)
  })

  it('has a body that shares its memory with nothing (M8)', async () => {
    const { open, queue: make } = here()
    const transport = open(make())
    await send(transport, wire('hello'))
    const { body } = (await take(transport)).message
    expect([body.buffer.byteLength, body.byteOffset]).toEqual([5, 0])
  })

  it('counts its deliveries from 1, and says when it was enqueued and for how long it is locked (PA5)', async () => {
    const { open, queue: make } = here()
    const transport = open(make({ lockDurationMs: 7_000 }))
    const before = Date.now()
    await send(transport, wire('a'))
    for (const deliveryCount of [1, 2, 3]) {
      const delivery = await take(transport)
      const { message } = delivery
      expect(message.deliveryCount).toBe(deliveryCount)
      expect(message.enqueuedAt?.getTime()).toBeGreaterThanOrEqual(before)
      expect(Math.abs(message.lockedUntil.getTime() - Date.now() - 7_000)).toBeLessThan(1_500)
      await delivery.abandon({ delayMs: 0 })
    }
  })
})

describe('a message of another sender', () => {
  const receive = async (message: ServiceBusMessage) => {
    const { tool, open, queue: make } = here()
    const queue = make()
    await sendRaw(tool, queue, message)
    return (await take(open(queue))).message
  }

  it('is known by the id that the broker has (protocol.md 2)', async () => {
    const message = await receive({ body: Buffer.from('{"a": 1.0}'), messageId: 'theirs', subject: 's', to: 't' })
    expect(message).toMatchObject({ messageId: 'theirs', attributes: {}, malformed: undefined })
    // It looks like JSON, and stays bytes.
    expect(message.body).toEqual(utf8('{"a": 1.0}'))
  })

  it('without an id has the one that the broker gave it (protocol.md 2)', async () => {
    const message = await receive({ body: Buffer.from('a') })
    expect(message.messageId).toBe(message.brokerMessageId)
    expect(message.messageId).toMatch(/^\d+$/)
  })

  it('has its properties as text (PA5)', async () => {
    const applicationProperties = {
      ...{ text: 'a', whole: 7, fraction: 1.5, yes: true, no: false, large: 2 ** 53 - 1 },
      moment: new Date(Date.UTC(2026, 0, 1)),
    }
    const message = await receive({ body: Buffer.from('a'), applicationProperties, correlationId: 12 })
    expect(message.attributes).toEqual({
      ...{ text: 'a', whole: '7', fraction: '1.5', yes: 'true', no: 'false', large: '9007199254740991' },
      moment: '2026-01-01T00:00:00.000Z',
    })
    expect(message.correlationId).toBe('12')
  })

  it('brings its trace, where only an SDK of Azure wrote it (O10)', async () => {
    const trace = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-00`
    const message = await receive({ body: Buffer.from('a'), applicationProperties: { 'Diagnostic-Id': trace } })
    expect(message.attributes).toEqual({ traceparent: trace })
  })

  it('is refused where its id is none of ours, and loses nothing (C10)', async () => {
    for (const id of ['with space', 'x'.repeat(129), '', 7]) {
      const message = await receive({ body: Buffer.from('a'), applicationProperties: { 'qr-message-id': id } })
      expect(message).toMatchObject({ malformed: 'qr-message-id', messageId: message.brokerMessageId })
      expect(message.body).toEqual(utf8('a'))
    }
  })

  it.for<readonly [string, { body: unknown; bodyType: 'value' | 'sequence' | 'data' }, string | Uint8Array]>([
    ['text', { body: 'gr\u00fc\u00dfe', bodyType: 'value' }, 'gr\u00fc\u00dfe'],
    ['bytes', { body: Buffer.of(0, 255), bodyType: 'value' }, Uint8Array.of(0, 255)],
    ['a number', { body: 7, bodyType: 'value' }, '7'],
    ['a map', { body: { a: [1, 'b'], c: true }, bodyType: 'value' }, '{"a":[1,"b"],"c":true}'],
    ['a sequence', { body: [1, 'b', true], bodyType: 'sequence' }, '[1,"b",true]'],
    ['nothing', { body: Buffer.alloc(0), bodyType: 'data' }, ''],
  ])('has bytes for a body of %s (PA1)', async ([, message, expected], { expect }) => {
    const { body, malformed } = await receive(message as ServiceBusMessage)
    expect(body).toEqual(typeof expected === 'string' ? utf8(expected) : expected)
    expect(malformed).toBeUndefined()
  })
})

describe('the bytes of a body', () => {
  it('are those of all its sections (PA1)', () => {
    expect(bodyBytes([Buffer.from('a'), Buffer.from('bc')])).toEqual(utf8('abc'))
    expect(bodyBytes(null)).toEqual(new Uint8Array(0))
    expect(bodyBytes({ raw: Buffer.of(255), at: new Date(0), big: 1n })).toEqual(
      utf8('{"raw":"/w==","at":"1970-01-01T00:00:00.000Z","big":"1"}'),
    )
  })

  it('come of anything, and never fail (PA1)', () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withDate: true, withTypedArray: true }), (body) => {
        expect(bodyBytes(body)).toBeInstanceOf(Uint8Array)
      }),
      { seed: 20_260_101, numRuns: scaled(500) },
    )
  })
})

describe('a dead letter', () => {
  it('says why, and has no more attributes than before (PA6, C9)', async () => {
    const { open, queue: make } = here()
    const transport = open(make())
    await send(transport, wire('a', { attributes: { tenant: 't' } }))
    await (await take(transport)).deadLetter({ reason: 'r', description: 'd' })
    const { message } = await take(lettersOf(transport))
    expect(message.deadLettered).toEqual({ reason: 'r', description: 'd' })
    expect(message.attributes).toEqual({ tenant: 't' })
  })

  it('that nobody gave a reason has one (PA6)', () => {
    const message = toIncoming({ body: Buffer.from('a') }, { isDeadLetters: true }, LOCK)
    expect(message.deadLettered).toEqual({ reason: 'Unknown', description: undefined })
  })

  it('is none on the queue itself, whatever its properties say', () => {
    const applicationProperties = { DeadLetterReason: 'r' }
    const message = toIncoming({ body: Buffer.from('a'), applicationProperties, deadLetterReason: 'r' }, QUEUE, LOCK)
    expect(message).toMatchObject({ deadLettered: undefined, attributes: applicationProperties })
  })
})

describe('a property', () => {
  it('of more than 32 KB, and properties of more than 64 KB, are refused before anything is sent (PA10)', async () => {
    const { open, queue: make, look } = here()
    const queue = make()
    const transport = open(queue)
    const large = 'x'.repeat(32_768)
    const half = 'x'.repeat(22_000)
    const cases = [
      ['attributes.a', { a: large }],
      ['attributes', { a: half, b: half, c: half }],
    ] as const
    for (const [field, attributes] of cases) {
      const sending = transport.send([wire('small'), wire('a', { attributes })], { signal: never })
      await expect(sending).rejects.toMatchObject({ code: 'Validation', facts: { field, rule: 'out-of-range' } })
    }
    expect(look(queue).messages()).toEqual([])
    await send(transport, wire('a', { attributes: { a: half, b: half } }))
  })

  it('counts in bytes (PA10)', () => {
    const attributes = { a: '\u20ac'.repeat(10_930) }
    expect(() => toMessage(wire('a', { attributes }))).toThrow('32768')
  })
})

it('a time to live that AMQP cannot hold is refused, not cut short (C17)', () => {
  expect(toMessage(wire('a', { timeToLiveMs: 4_294_967_295 })).timeToLive).toBe(4_294_967_295)
  expect(() => toMessage(wire('a', { timeToLiveMs: 4_294_967_296 }))).toThrow(
    expect.objectContaining({ code: 'Validation', facts: { field: 'timeToLiveMs', rule: 'out-of-range' } }),
  )
})
