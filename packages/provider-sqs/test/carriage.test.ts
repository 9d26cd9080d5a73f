import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeBody, encodeBody } from '../src/body-text.ts'
import { toLetter } from '../src/burying.ts'
import { type CarriedFields, parseFields, writeFields } from '../src/carried-fields.ts'
import { toIncoming } from '../src/incoming.ts'
import { type Entry, sizeOf, toEntry } from '../src/outgoing.ts'
import { type RawAttribute, type RawMessage, rawMessage } from '../src/raw-message.ts'
import { fromXRay, toXRay } from '../src/trace-header.ts'
import { scaled } from './scale.ts'
import { utf8, wire } from './support.ts'

const runs = { seed: 20_260_101, numRuns: scaled(1_000) }

/** Source: SendMessage in the API reference of SQS. */
const CARRIED = /^[\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]+$/u

const QUEUE = { isFifo: false, isDeadLetters: false }
const LOCK = { until: 1_000 }

const received = ({ MessageBody: Body, MessageAttributes, MessageGroupId = '' }: Entry): RawMessage =>
  rawMessage({ MessageId: 'broker-1', ReceiptHandle: 'r', Body, MessageAttributes, Attributes: { MessageGroupId } })

const foreign = (text: string, attributes: Readonly<Record<string, RawAttribute>> = {}): RawMessage => ({
  brokerMessageId: 'broker-1',
  receiptHandle: 'r',
  text,
  attributes: new Map(Object.entries(attributes)),
  system: { ApproximateReceiveCount: '1', SentTimestamp: '1767225600000' },
})
const string = (text: string): RawAttribute => ({ type: 'String', text, bytes: undefined })
const qr = (fields: unknown): RawAttribute => string(typeof fields === 'string' ? fields : JSON.stringify(fields))

const anyText = fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed())
/** Text with what SQS does not carry, now and then. */
const oddText = fc.oneof(anyText, fc.constantFrom('\ufffe', 'a\uffffb', '\0', '\u001b', '\u007f', '\ufeffBOM', '\r\n'))
const anyBody = fc.oneof(fc.uint8Array(), oddText.map(utf8), fc.constantFrom(utf8('UVJFMQ=='), utf8('-'), utf8('QRE1')))

const anyMessage = fc.record(
  {
    messageId: fc.stringMatching(/^[\x21-\x7e]{1,128}$/),
    correlationId: oddText.filter((text) => text.length > 0),
    contentType: fc.stringMatching(/^[\x20-\x7e]{1,64}$/),
    attributes: fc.dictionary(fc.stringMatching(/^[A-Za-z0-9_.-]{1,32}$/), oddText, { maxKeys: 14 }),
    traceparent: oddText,
  },
  { requiredKeys: ['messageId', 'attributes'] },
)

describe('a body as text', () => {
  it('comes back byte by byte, in characters that SQS carries (PS3, M1)', () => {
    fc.assert(
      fc.property(anyBody, (bytes) => {
        const { text, encoding } = encodeBody(bytes)
        expect(text).toMatch(CARRIED)
        expect(decodeBody(text, encoding)).toEqual(new Uint8Array(bytes))
      }),
      runs,
    )
  })

  it.for([
    ['what SQS carries goes as it stands', utf8('{"a":"é"}'), '{"a":"é"}', undefined],
    ['a byte order mark is part of it', utf8('\ufeffa'), '\ufeffa', undefined],
    ['a sealed body is base64', Uint8Array.of(0x51, 0x52, 0x45, 0x31, 1), 'UVJFMQE=', 'base64'],
    ['a control character makes it base64', utf8('a\u0000'), 'YQA=', 'base64'],
    ['U+FFFE makes it base64', utf8('\ufffe'), '77++', 'base64'],
    ['bytes that are not UTF-8 are base64', Uint8Array.of(0xff), '/w==', 'base64'],
    ['text that looks like a sealed body is base64', utf8('UVJFM'), 'VVZKRk0=', 'base64'],
    ['an empty body is a dash', new Uint8Array(0), '-', 'empty'],
  ] as const)('%s (protocol.md 2)', ([, bytes, text, encoding]) => {
    expect(encodeBody(bytes)).toEqual({ text, encoding })
    expect(decodeBody(text, encoding)).toEqual(bytes)
  })

  it.for(['UVJFMQE', 'UVJFMQE= ', 'UVJFMQF=', 'UVJFM-E=', 'UVJFMQE=AAAA', 'UVJF MQE=', '"'])(
    '%j is not base64 as it is written, and is not decoded (protocol.md 2)',
    (text) => {
      expect(decodeBody(text, 'base64')).toBeUndefined()
    },
  )

  it('has an ArrayBuffer of its own (M8)', () => {
    for (const [text, encoding] of [
      ['AQID', 'base64'],
      ['abc', undefined],
      ['-', 'empty'],
    ] as const) {
      const bytes = decodeBody(text, encoding)
      expect(bytes?.buffer.byteLength).toBe(bytes?.byteLength)
    }
  })
})

describe('the fields beside a body', () => {
  it('come back whatever they hold, in text that SQS carries (PS10, protocol.md 2)', () => {
    fc.assert(
      fc.property(anyMessage, ({ traceparent, attributes, ...fields }) => {
        const all = traceparent === undefined ? attributes : { ...attributes, traceparent }
        const { entry } = toEntry(wire('body', { ...fields, attributes: all }), undefined)
        expect(Object.keys(entry.MessageAttributes ?? {}).length).toBeLessThanOrEqual(3)
        for (const { StringValue } of Object.values(entry.MessageAttributes ?? {})) expect(StringValue).toMatch(CARRIED)
        const { messageId, correlationId, contentType, attributes: back } = toIncoming(received(entry), QUEUE, LOCK)
        expect({ messageId, correlationId, contentType }).toEqual({
          correlationId: undefined,
          contentType: undefined,
          ...fields,
        })
        expect({ ...back }).toEqual({ ...all })
      }),
      runs,
    )
  })

  it('are one attribute `qr`, with the trace beside it (PS10)', () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const message = wire('a', { messageId: 'm', attributes: { b: 'c', traceparent, tracestate: 'v=1' } })
    const { entry } = toEntry(message, undefined)
    expect(entry).toEqual({
      MessageBody: 'a',
      MessageAttributes: {
        qr: { DataType: 'String', StringValue: '{"v":1,"id":"m","a":{"b":"c"}}' },
        traceparent: { DataType: 'String', StringValue: traceparent },
        tracestate: { DataType: 'String', StringValue: 'v=1' },
      },
      MessageSystemAttributes: {
        AWSTraceHeader: {
          DataType: 'String',
          StringValue: 'Root=1-0af76519-16cd43dd8448eb211c80319c;Parent=b7ad6b7169203331;Sampled=1',
        },
      },
    })
  })

  it('carry the message id that the sender gave, and the id for deduplication beside it alone (PS9)', () => {
    const message = wire('a', { messageId: 'm', deduplicationId: 'd', sessionId: 's' })
    expect(toEntry(message, undefined).entry).toMatchObject({
      MessageGroupId: 's',
      MessageDeduplicationId: 'd',
      MessageAttributes: { qr: { StringValue: '{"v":1,"id":"m"}' } },
    })
  })

  it.for([
    ['no JSON', '{'],
    ['another version', { v: 2, id: 'm' }],
    ['no object', '[]'],
    ['null', 'null'],
    ['an id that is no id', { v: 1, id: 'a b' }],
    ['an empty id', { v: 1, id: '' }],
    ['an unknown encoding', { v: 1, enc: 'gzip' }],
    ['attributes that are no text', { v: 1, a: { b: 1 } }],
    ['attributes that are a list', { v: 1, a: ['b'] }],
    ['a lone surrogate', '{"v":1,"cid":"\\ud800"}'],
    ['a dead letter without a reason', { v: 1, dl: {} }],
  ] as const)('with %s are malformed (protocol.md 2)', ([, fields]) => {
    const message = toIncoming(foreign('text', { qr: qr(fields) }), QUEUE, LOCK)
    expect(message).toMatchObject({ malformed: 'qr', messageId: 'broker-1', body: utf8('text') })
  })

  it('are malformed as a number or as bytes', () => {
    for (const attribute of [
      { type: 'Number', text: '1', bytes: undefined },
      { type: 'Binary', text: undefined, bytes: utf8('{"v":1}') },
    ]) {
      expect(toIncoming(foreign('text', { qr: attribute }), QUEUE, LOCK).malformed).toBe('qr')
    }
  })

  it('that somebody else wrote never make decoding throw (SC5)', () => {
    const anyFields = fc.oneof(
      fc.json(),
      fc.string(),
      fc
        .record({ v: fc.constant(1), enc: fc.anything(), a: fc.anything(), dl: fc.anything(), id: fc.anything() })
        .map((value) => JSON.stringify(value)),
    )
    fc.assert(
      fc.property(anyFields, fc.string(), (fields, text) => {
        const { malformed, body } = toIncoming(foreign(text, { qr: qr(fields) }), QUEUE, LOCK)
        expect(body).toBeInstanceOf(Uint8Array)
        if (malformed === undefined) expect(parseFields(fields)).toBeDefined()
      }),
      runs,
    )
  })

  it('may have a name that is special elsewhere', () => {
    const attributes = JSON.parse('{"__proto__":"a","constructor":"b"}')
    const { entry } = toEntry(wire('a', { attributes }), undefined)
    expect(Object.entries(toIncoming(received(entry), QUEUE, LOCK).attributes)).toEqual([
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ])
  })
})

describe('a message of another tool', () => {
  it('is the bytes of its text, under the id of the broker (protocol.md 2)', () => {
    const message = toIncoming(foreign('{"é":1}'), QUEUE, LOCK)
    expect(message).toMatchObject({
      ...{ messageId: 'broker-1', brokerMessageId: 'broker-1', body: utf8('{"é":1}'), malformed: undefined },
      ...{ attributes: {}, deliveryCount: 1, enqueuedAt: new Date(1_767_225_600_000), sessionId: undefined },
    })
  })

  it('has attributes of any type, as text', () => {
    const attributes = {
      a: string('b'),
      n: { type: 'Number.int', text: '7', bytes: undefined },
      x: { type: 'Binary', text: undefined, bytes: Uint8Array.of(0xff) },
    }
    expect(toIncoming(foreign('a', attributes), QUEUE, LOCK).attributes).toEqual({ a: 'b', n: '7', x: '/w==' })
  })

  it('that begins as a sealed body does is decoded, or malformed (protocol.md 2)', () => {
    expect(toIncoming(foreign('UVJFMQE='), QUEUE, LOCK)).toMatchObject({
      malformed: undefined,
      body: Uint8Array.of(0x51, 0x52, 0x45, 0x31, 1),
    })
    expect(toIncoming(foreign('UVJFM what?'), QUEUE, LOCK).malformed).toBe('body')
  })

  it('belongs to a session on FIFO queues alone (PS1)', () => {
    const raw = { ...foreign('a'), system: { MessageGroupId: 'g' } }
    expect(toIncoming(raw, QUEUE, LOCK).sessionId).toBeUndefined()
    expect(toIncoming(raw, { ...QUEUE, isFifo: true }, LOCK).sessionId).toBe('g')
  })
})

describe('a dead letter', () => {
  const note = { reason: 'r', description: 'd', at: '2026-01-01T00:00:00.000Z', queue: 'orders', deliveries: 2 }
  const letterOf = (raw: RawMessage) =>
    toIncoming(received(toLetter(raw, note)), { isFifo: false, isDeadLetters: true }, LOCK)

  it('keeps everything that the message had, and says why (C9, D1, D5)', () => {
    fc.assert(
      fc.property(anyMessage, anyBody, ({ traceparent = '', ...fields }, body) => {
        const sent = received(
          toEntry(wire(body, { ...fields, attributes: { ...fields.attributes, traceparent } }), undefined).entry,
        )
        const { brokerMessageId: _, lockedUntil: __, deadLettered, ...letter } = letterOf(sent)
        const {
          brokerMessageId: ___,
          lockedUntil: ____,
          deadLettered: none,
          ...message
        } = toIncoming(sent, QUEUE, LOCK)
        expect(letter).toEqual(message)
        expect([none, deadLettered]).toEqual([undefined, { reason: 'r', description: 'd' }])
      }),
      runs,
    )
  })

  it('of a foreign message with ten attributes has ten attributes, and reads the same (protocol.md 2)', () => {
    const names = Array.from({ length: 9 }, (_, index) => `a${index}`)
    const bytes: RawAttribute = { type: 'Binary', text: undefined, bytes: Uint8Array.of(1) }
    const mixed = foreign('text', { ...Object.fromEntries(names.map((name) => [name, bytes])), s: string('t') })
    const binary = foreign('text', { ...Object.fromEntries(names.map((name) => [name, bytes])), z: bytes })
    for (const raw of [mixed, binary]) {
      const letter = toLetter(raw, note)
      expect(Object.keys(letter.MessageAttributes ?? {})).toHaveLength(10)
      expect(letter.MessageBody).toBe('text')
      expect(letterOf(raw)).toMatchObject({
        messageId: 'broker-1',
        body: utf8('text'),
        attributes: toIncoming(raw, QUEUE, LOCK).attributes,
      })
    }
    expect(toLetter(mixed, note).MessageAttributes?.s).toBeUndefined()
  })

  it('of a malformed message is malformed still, with what it held (D5)', () => {
    const badFields = foreign('text', { qr: qr('{"v":9}') })
    const badBody = foreign('UVJFM!', { qr: qr({ v: 1, id: 'm', enc: 'base64' }) })
    expect(letterOf(badFields)).toMatchObject({ malformed: 'qr', messageId: 'broker-1', body: utf8('text') })
    expect(toLetter(badFields, note).MessageAttributes?.qr?.StringValue).toContain(JSON.stringify('{"v":9}'))
    expect(letterOf(badBody)).toMatchObject({ malformed: 'body', messageId: 'm' })
  })

  it('that SQS itself made says so', () => {
    expect(toIncoming(foreign('a'), { isFifo: false, isDeadLetters: true }, LOCK).deadLettered).toEqual({
      reason: 'MaxDeliveryCountExceeded',
      description: undefined,
    })
  })
})

describe('the size of a message', () => {
  it('is that of body, names, types and values in UTF-8 (PS3, M11)', () => {
    const entry: Entry = {
      MessageBody: 'é',
      MessageAttributes: {
        ab: { DataType: 'String', StringValue: 'é' },
        c: { DataType: 'Binary', BinaryValue: new Uint8Array(5) },
      },
      MessageSystemAttributes: { AWSTraceHeader: { DataType: 'String', StringValue: 'not counted' } },
    }
    expect(sizeOf(entry)).toBe(2 + (2 + 6 + 2) + (1 + 6 + 5))
  })

  it('is told of what is sent, encoded (M11)', () => {
    const { entry, size } = toEntry(wire(Uint8Array.of(0xff, 0xff, 0xff, 0xff), { messageId: 'm' }), undefined)
    expect([entry.MessageBody, size]).toEqual(['/////w==', 8 + 2 + 6 + '{"v":1,"id":"m","enc":"base64"}'.length])
  })
})

describe('the trace header of X-Ray', () => {
  it('and a traceparent say the same, both ways', () => {
    const hex = (length: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`))
    fc.assert(
      fc.property(hex(32), hex(16), fc.boolean(), (trace, parent, isSampled) => {
        const traceparent = `00-${trace}-${parent}-${isSampled ? '01' : '00'}`
        expect(fromXRay(toXRay(traceparent) ?? '')).toBe(traceparent)
      }),
      runs,
    )
  })

  it('gives a foreign message its traceparent, where it has none of its own', () => {
    const system = {
      AWSTraceHeader: 'Self=1-x;Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0',
    }
    expect(toIncoming({ ...foreign('a'), system }, QUEUE, LOCK).attributes).toEqual({
      traceparent: '00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-00',
    })
    expect(toIncoming({ ...foreign('a', { traceparent: string('own') }), system }, QUEUE, LOCK).attributes).toEqual({
      traceparent: 'own',
    })
  })

  it.for(['', 'Root=1-5759e988-bd862e3fe1be46a994272793', 'Root=x;Parent=53995c3f42cd8ad8', ';;=='])(
    '%j gives none',
    (header) => {
      expect(fromXRay(header)).toBeUndefined()
    },
  )
})

it('fields are written without what SQS does not carry, and read back', () => {
  const fields: CarriedFields = { v: 1, cid: '\ufffe\uffff\u0000' }
  expect(writeFields(fields)).toBe('{"v":1,"cid":"\\ufffe\\uffff\\u0000"}')
  expect(parseFields(writeFields(fields))).toEqual(fields)
})
