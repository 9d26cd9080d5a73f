import { describe, expect, test } from 'vitest'
import { bodies, bytes, deadLettersOf, look, never, START, sendAll, setUp, take, textOf, wire } from './support.ts'

const MiB = 1024 * 1024

describe('what is sent', () => {
  test('C1: bytes, attributes, sessionId, correlationId and contentType come back as they were sent', async () => {
    const { transport } = setUp()
    const body = Uint8Array.from({ length: 256 }, (_, index) => index)
    const fields = {
      messageId: 'id',
      sessionId: 'session',
      correlationId: 'correlation',
      contentType: 'application/json',
      attributes: Object.fromEntries([
        ['a', '1'],
        ['__proto__', 'a name as any other'],
      ]),
    }
    expect(await transport.send([wire(body, fields)], { signal: never })).toEqual([{ error: null }])
    const { message } = await take(transport)
    expect(message).toMatchObject({ ...fields, body, deliveryCount: 1, enqueuedAt: new Date(START) })
    expect(Object.entries(message.attributes)).toEqual(Object.entries(fields.attributes))
    expect(message.deadLettered).toBeUndefined()
  })

  test('M1: bytes are borrowed only until send has resolved, and attributes are copied', async () => {
    const { transport } = setUp()
    const body = bytes('before')
    const attributes = { k: 'before' }
    await transport.send([wire(body, { attributes })], { signal: never })
    body.fill(0)
    attributes.k = 'after'
    const { message } = await take(transport)
    expect([textOf(message.body), message.attributes]).toEqual(['before', { k: 'before' }])
  })

  test('M8: each delivery has a body with an ArrayBuffer of its own; writing to it changes nothing at the broker', async () => {
    const { transport } = setUp()
    await transport.send([wire(Buffer.from('pooled'), { attributes: { k: 'v' } })], { signal: never })
    const first = await take(transport)
    expect(first.message.body.buffer.byteLength).toBe(6)
    first.message.body.fill(0)
    Object.assign(first.message.attributes, { k: 'w' })
    await first.abandon({ delayMs: 0 })
    const { message } = await take(transport)
    expect([textOf(message.body), message.attributes]).toEqual(['pooled', { k: 'v' }])
  })

  test('an empty body, and an empty batch, are fine', async () => {
    const { transport } = setUp()
    expect(await transport.send([], { signal: never })).toEqual([])
    await sendAll(transport, '')
    expect((await take(transport)).message.body.byteLength).toBe(0)
  })

  test('C6: an aborted send rejects with the reason and stores nothing', async () => {
    const { broker, transport } = setUp()
    const reason = new Error('changed my mind')
    await expect(transport.send([wire('a')], { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(broker.queueNames()).toEqual([])
  })
})

describe('limits', () => {
  test('M11, edge 5: a message over maxMessageBytes gives both numbers, and nothing of its batch is stored', async () => {
    const { broker, transport } = setUp({ maxMessageBytes: 20 })
    const batch = [
      wire('small', { messageId: 'a' }),
      wire('twenty bytes', { messageId: 'eight by', attributes: { k: '' } }),
    ]
    await expect(transport.send(batch, { signal: never })).rejects.toMatchObject({
      code: 'MessageTooLarge',
      facts: { size: 21, maxSize: 20 },
      queue: 'orders',
      messageId: 'eight by',
    })
    expect(broker.queue('orders').messages()).toEqual([])
  })

  test('M11: body, fields, attribute names and values count, as UTF-8', async () => {
    const { transport } = setUp({ maxMessageBytes: 20 })
    const fields = { messageId: '12', sessionId: '3', correlationId: 'ä', contentType: '6', attributes: { '7': '8€' } }
    await transport.send([wire('2345678901'.slice(1), fields)], { signal: never })
    await expect(transport.send([wire('2345678901', fields)], { signal: never })).rejects.toMatchObject({
      facts: { size: 21, maxSize: 20 },
    })
  })

  test('the default limit is 10 MiB, to the byte', async () => {
    const { transport } = setUp()
    const fits = wire(new Uint8Array(10 * MiB - 2), { messageId: 'id' })
    expect(await transport.send([fits], { signal: never })).toEqual([{ error: null }])
    const exceeds = wire(new Uint8Array(10 * MiB - 1), { messageId: 'id' })
    await expect(transport.send([exceeds], { signal: never })).rejects.toMatchObject({
      facts: { size: 10 * MiB + 1, maxSize: 10 * MiB },
    })
  })

  test('PM2: a full queue answers Throttled, message by message and in input order', async () => {
    const { transport } = setUp({ maxQueueSize: 2 })
    const outcomes = await transport.send([wire('a'), wire('b'), wire('c', { messageId: 'third' })], { signal: never })
    expect(outcomes.map(({ error }) => error?.code)).toEqual([undefined, undefined, 'Throttled'])
    expect(outcomes[2]?.error).toMatchObject({ isTransient: true, messageId: 'third', queue: 'orders' })
    expect(await bodies(transport)).toEqual(['a', 'b'])
  })

  test('PM2: locked and scheduled messages count, completed and dead-lettered ones do not', async () => {
    const { transport } = setUp({ maxQueueSize: 2 })
    const codes = async (): Promise<unknown> =>
      (await transport.send([wire('x', { deliverAt: new Date(START + 1_000) })], { signal: never })).map(
        ({ error }) => error?.code,
      )
    await sendAll(transport, 'a', 'b')
    const [a, b] = await look(transport)
    expect(await codes()).toEqual(['Throttled'])
    await a?.complete()
    expect(await codes()).toEqual([undefined])
    expect(await codes()).toEqual(['Throttled'])
    await b?.deadLetter({ reason: 'poison' })
    expect(await codes()).toEqual([undefined])
  })
})

describe('when it may be received', () => {
  test('deliverAt: a scheduled message comes at that moment, and takes the place it was sent at', async () => {
    const { clock, transport } = setUp()
    await transport.send([wire('later', { deliverAt: new Date(START + 1_000) }), wire('now')], { signal: never })
    await clock.advance(999)
    const [now] = await look(transport)
    expect(now && textOf(now.message.body)).toBe('now')
    await now?.abandon({ delayMs: 0 })
    await clock.advance(1)
    expect(await bodies(transport)).toEqual(['later', 'now'])
  })

  test('deliverAt in the past is now', async () => {
    const { transport } = setUp()
    await transport.send([wire('a', { deliverAt: new Date(0) })], { signal: never })
    expect(await bodies(transport)).toEqual(['a'])
  })

  test('PM5: a message whose time to live is over becomes a dead letter, at that moment', async () => {
    const { clock, transport } = setUp()
    await transport.send([wire('a', { timeToLiveMs: 1_000 }), wire('b')], { signal: never })
    await clock.advance(999)
    for (const delivery of await look(transport)) await delivery.abandon({ delayMs: 0 })
    await clock.advance(1)
    expect(await bodies(transport)).toEqual(['b'])
    const letter = await take(deadLettersOf(transport))
    expect(letter.message).toMatchObject({ body: bytes('a'), deadLettered: { reason: 'TTLExpiredException' } })
  })

  test('PM5: with dead letters disabled an expired message is dropped', async () => {
    const { broker, clock, transport } = setUp({ deadLetter: false, timeToLiveMs: 1_000 })
    await sendAll(transport, 'a')
    await clock.advance(1_000)
    expect(await look(transport)).toEqual([])
    expect(broker.queue('orders').messages()).toEqual([])
    expect(broker.queue('orders').deadLetters()).toEqual([])
  })

  test('PM2: timeToLiveMs of the broker is for messages that bring none', async () => {
    const { clock, transport } = setUp({ timeToLiveMs: 1_000 })
    await transport.send([wire('default'), wire('own', { timeToLiveMs: 5_000 })], { signal: never })
    await clock.advance(1_000)
    expect(await bodies(transport)).toEqual(['own'])
  })

  test('a message does not expire while somebody holds it, but as soon as it comes back', async () => {
    const { broker, clock, transport } = setUp({ timeToLiveMs: 1_000 })
    await sendAll(transport, 'completed', 'abandoned', 'forgotten')
    const [completed, abandoned] = await look(transport)
    await clock.advance(5_000)
    await completed?.complete()
    await abandoned?.abandon({ delayMs: 0 })
    const { messages, deadLetters } = broker.queue('orders')
    expect(messages()).toMatchObject([{ body: bytes('forgotten'), state: 'locked' }])
    await clock.advance(25_000)
    expect(messages()).toEqual([])
    expect(deadLetters().map(({ body, deadLettered }) => [textOf(body), deadLettered?.at.getTime()])).toEqual([
      ['abandoned', START + 5_000],
      ['forgotten', START + 30_000],
    ])
  })

  test('the time to live of a scheduled message begins when it may be received', async () => {
    const { clock, transport } = setUp()
    await transport.send([wire('a', { deliverAt: new Date(START + 5_000), timeToLiveMs: 1_000 })], { signal: never })
    await clock.advance(5_999)
    expect(await bodies(transport)).toEqual(['a'])
  })
})
