import { describe, expect, it } from 'vitest'
import { checkQueueName } from '../src/base/queue-name.ts'
import type { OutgoingMessage } from '../src/index.ts'
import { validateMessage } from '../src/message/validate.ts'

const ALL = { deliverAt: true, timeToLive: true, abandonDelay: true, sessionIds: 'allowed' } as const
const broken = (field: string, rule: string) => expect.objectContaining({ code: 'Validation', facts: { field, rule } })

describe('a queue name (M2)', () => {
  it('has 1 to 260 characters of a small alphabet', () => {
    for (const name of ['a', 'orders', 'Orders_2', 'a-b-c', 'x'.repeat(260)]) checkQueueName(name)
    for (const name of ['', 'x'.repeat(261)]) {
      expect(() => checkQueueName(name)).toThrow(broken('queue', 'out-of-range'))
    }
    for (const name of ['-a', 'a-', 'a--b', 'a b', 'a.fifo', 'é', 'a/b']) {
      expect(() => checkQueueName(name)).toThrow(broken('queue', 'invalid-format'))
    }
  })
})

describe('a message', () => {
  it('gets an id of its own, a UUID of version 4, where none is given (M5)', () => {
    const ids = Array.from({ length: 50 }, () => validateMessage({ body: 'x' }, ALL).messageId)
    expect(new Set(ids).size).toBe(50)
    expect(ids[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  })

  it('carries bytes as they are, text as UTF-8 and JSON with its content type (M1)', () => {
    const body = Uint8Array.of(1, 2)
    expect(validateMessage({ body }, ALL).body).toBe(body)
    expect(validateMessage({ body: 'é' }, ALL).body).toEqual(Uint8Array.of(0xc3, 0xa9))
    expect(validateMessage({ json: null }, ALL)).toMatchObject({
      body: new TextEncoder().encode('null'),
      contentType: 'application/json',
    })
    expect(validateMessage({ json: 1, contentType: 'text/x' }, ALL).contentType).toBe('text/x')
    expect(validateMessage({ body: '', correlationId: '' }, ALL).correlationId).toBeUndefined()
  })

  it('is a copy of what may change while it is sent', () => {
    const deliverAt = new Date(5)
    const attributes = { a: 'b' }
    const checked = validateMessage({ body: 'x', deliverAt, attributes }, ALL)
    deliverAt.setTime(9)
    attributes.a = 'c'
    expect([checked.deliverAt, checked.attributes]).toEqual([new Date(5), { a: 'b' }])
  })

  const detached = new Uint8Array(3)
  structuredClone(detached, { transfer: [detached.buffer] })
  const circular: { self?: unknown } = {}
  circular.self = circular
  const cases: [field: string, rule: string, message: object][] = [
    ['body', 'required', {}],
    ['body', 'invalid-format', { body: 5 }],
    ['body', 'invalid-format', { body: '\ud800' }],
    ['body', 'invalid-format', { body: 'x', json: 1 }],
    ['json', 'invalid-format', { json: circular }],
    ['json', 'invalid-format', { json: () => 1 }],
    ['json', 'invalid-format', { json: 10n }],
    ['messageId', 'out-of-range', { body: 'x', messageId: '' }],
    ['messageId', 'out-of-range', { body: 'x', messageId: 'x'.repeat(129) }],
    ['messageId', 'invalid-format', { body: 'x', messageId: 'a b' }],
    ['messageId', 'invalid-format', { body: 'x', messageId: 'é' }],
    ['messageId', 'invalid-format', { body: 'x', messageId: 5 }],
    ['sessionId', 'out-of-range', { body: 'x', sessionId: '' }],
    ['sessionId', 'invalid-format', { body: 'x', sessionId: 'a\n' }],
    ['correlationId', 'invalid-format', { body: 'x', correlationId: '\ud800' }],
    ['correlationId', 'out-of-range', { body: 'x', correlationId: 'x'.repeat(257) }],
    ['contentType', 'invalid-format', { body: 'x', contentType: 'a\r\nb' }],
    ['attributes', 'invalid-format', { body: 'x', attributes: { 'a b': 'x' } }],
    ['attributes', 'invalid-format', { body: 'x', attributes: new Map([['a', 'b']]) }],
    ['corelationId', 'invalid-format', { body: 'x', corelationId: 'c' }],
    ['body', 'invalid-format', { body: detached }],
    ['attributes.a', 'invalid-format', { body: 'x', attributes: { a: 1 } }],
    ['attributes.qr', 'invalid-format', { body: 'x', attributes: { qr: 'x' } }],
    ['attributes.qr-auth-attrs', 'invalid-format', { body: 'x', attributes: { 'qr-auth-attrs': 'x' } }],
    ['attributes.TraceParent', 'invalid-format', { body: 'x', attributes: { TraceParent: 'x' } }],
    ['attributes.Diagnostic-Id', 'invalid-format', { body: 'x', attributes: { 'Diagnostic-Id': 'x' } }],
    ['timeToLiveMs', 'out-of-range', { body: 'x', timeToLiveMs: 0 }],
    ['timeToLiveMs', 'out-of-range', { body: 'x', timeToLiveMs: 1.5 }],
    ['deliverAt', 'invalid-format', { body: 'x', deliverAt: new Date(Number.NaN) }],
    ['deliverAt', 'invalid-format', { body: 'x', deliverAt: 5 }],
  ]
  it.each(cases)('is refused for its %s, which is %s (M5, M6, M12): case %#', (field, rule, message) => {
    expect(() => validateMessage(message as OutgoingMessage, ALL)).toThrow(broken(field, rule))
    expect(() => validateMessage(message as OutgoingMessage, ALL, 'messages[3].')).toThrow(
      broken(`messages[3].${field}`, rule),
    )
  })

  it.each([null, 'text', undefined])('is refused where it is no object, and named by its place: %s', (message) => {
    const noMessage = message as unknown as OutgoingMessage
    expect(() => validateMessage(noMessage, ALL)).toThrow(broken('message', 'required'))
    expect(() => validateMessage(noMessage, ALL, 'messages[3].')).toThrow(broken('messages[3]', 'required'))
  })

  it('is refused where the queue cannot do what it asks for (C17)', () => {
    const none = { deliverAt: false, timeToLive: false, abandonDelay: false, sessionIds: 'none' } as const
    for (const [message, feature] of [
      [{ body: 'x', sessionId: 's' }, 'sessionId'],
      [{ body: 'x', timeToLiveMs: 5 }, 'timeToLiveMs'],
      [{ body: 'x', deliverAt: new Date(5) }, 'deliverAt'],
    ] as const) {
      expect(() => validateMessage(message, none)).toThrow(
        expect.objectContaining({ code: 'Unsupported', facts: { feature } }),
      )
    }
    const required = { ...ALL, sessionIds: 'required' } as const
    expect(() => validateMessage({ body: 'x' }, required)).toThrow(broken('sessionId', 'required'))
  })
})
