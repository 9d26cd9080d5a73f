import rhea from 'rhea'
import { expect, test } from 'vitest'
import { contentsOf } from '../src/amqp/content.ts'
import { tagOf, tokenOfTag, tokenOfUuid, uuidOf } from '../src/amqp/lock-token.ts'
import { decodeMessage } from '../src/amqp/rhea.ts'
import { splitSections } from '../src/amqp/sections.ts'
import { wireMessage } from '../src/amqp/wire-message.ts'
import type { Entry, Properties } from '../src/store/entry.ts'
import { START } from './support.ts'

const { types, message } = rhea

/** Values whose type a JavaScript value would not keep. */
const EXOTIC = {
  float: types.wrap_float(1.5),
  wholeDouble: types.wrap_double(2),
  uuid: types.wrap_uuid(Buffer.alloc(16, 7)),
  long: types.wrap_long(5),
  symbol: types.wrap_symbol('symbol'),
  char: types.wrap_char(65),
}

const entryOf = (payload: Buffer, properties: Properties = {}): Entry => {
  const [content] = contentsOf(payload, 0)
  if (content === undefined) throw new Error('There is no message.')
  return {
    ...{ sequenceNumber: 7, content, state: 'active', enqueuedAt: START, expiresAt: START, deliveryCount: 3 },
    ...{ lock: null, properties, isDeadLetter: false, ready: undefined },
  }
}

const sectionsOf = (bytes: Buffer): Map<number, string> =>
  new Map(splitSections(bytes).map(({ code, bytes: section }) => [code, section.toString('hex')]))

test.each([
  ['data', message.data_section(Buffer.from('bytes'))],
  ['several data', message.data_sections([Buffer.from('a'), Buffer.from('b')])],
  ['a sequence', message.sequence_section([1, 'two', types.wrap_uuid(Buffer.alloc(16, 1))])],
  ['a value', types.wrap_float(1)],
  ['no value', null],
])('a message with %s for its body keeps the bytes of what its sender wrote', (_, body) => {
  const payload = message.encode({
    durable: true,
    ttl: 60_000,
    message_id: types.wrap_uuid(Buffer.alloc(16, 9)),
    application_properties: EXOTIC,
    footer: { check: 1 },
    body,
  })
  const [before, after] = [splitSections(payload), splitSections(wireMessage(entryOf(payload), undefined))]
  const bare = (sections: typeof before): string[] =>
    sections.filter(({ code }) => code >= 0x73).map(({ bytes }) => bytes.toString('hex'))
  expect(bare(after)).toEqual(bare(before))
  expect(decodeMessage(wireMessage(entryOf(payload), undefined))).toMatchObject({
    ...{ durable: true, ttl: 60_000, delivery_count: 3 },
    message_annotations: { 'x-opt-sequence-number': 7, 'x-opt-enqueued-time': new Date(START) },
  })
})

test('what a receiver added joins the application properties, whose types stay', () => {
  const payload = message.encode({ application_properties: EXOTIC, body: 'text' })
  const plain = sectionsOf(wireMessage(entryOf(payload), undefined))
  const amended = wireMessage(entryOf(payload, { added: 'yes', long: 6 }), undefined)
  const { application_properties: properties } = decodeMessage(amended)
  expect(properties).toMatchObject({ added: 'yes', long: 6, wholeDouble: 2, symbol: 'symbol' })
  expect(sectionsOf(amended).get(0x77)).toBe(plain.get(0x77))
  const reAmended = wireMessage(entryOf(amended), undefined)
  expect(sectionsOf(reAmended).get(0x74)).toBe(sectionsOf(amended).get(0x74))
})

test('annotations of the sender stay beside those of the broker', () => {
  const payload = message.encode({ message_annotations: { 'x-opt-partition-key': 'p' }, body: 'text' })
  expect(decodeMessage(wireMessage(entryOf(payload), undefined)).message_annotations).toMatchObject({
    'x-opt-partition-key': 'p',
    'x-opt-sequence-number': 7,
  })
})

test('a lock token travels as a tag in the order of .NET, and as a UUID in its own', () => {
  const token = '00112233-4455-6677-8899-aabbccddeeff'
  expect(tagOf(token).toString('hex')).toBe('33221100554477668899aabbccddeeff')
  expect(tokenOfTag(tagOf(token))).toBe(token)
  expect(tokenOfUuid(uuidOf(token))).toBe(token)
})

test('what is no message is refused, wherever it breaks off', () => {
  const payload = message.encode({ message_id: 'm', application_properties: { a: 'b' }, body: 'text' })
  const starts = new Set(splitSections(payload).map(({ bytes }) => bytes.byteOffset - payload.byteOffset))
  for (let length = 1; length < payload.length; length += 1) {
    const cut = payload.subarray(0, length)
    if (starts.has(length)) continue
    expect(() => splitSections(cut)).toThrow('no AMQP message')
  }
  expect(() => splitSections(Buffer.from('hello'))).toThrow('no AMQP message')
})
