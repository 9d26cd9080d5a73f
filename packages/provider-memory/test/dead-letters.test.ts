import { describe, expect, test } from 'vitest'
import { bodies, bytes, deadLettersOf, look, never, START, sendAll, setUp, take, textOf, wire } from './support.ts'

describe('over the maximum', () => {
  test('PM5, A14: the third abandon makes a dead letter, with reason and source, for the next look', async () => {
    const { broker, transport } = setUp()
    await sendAll(transport, 'a')
    for (const deliveryCount of [1, 2, 3]) {
      const delivery = await take(transport)
      expect(delivery.message.deliveryCount).toBe(deliveryCount)
      await delivery.abandon({ delayMs: 0 })
    }
    expect(await look(transport)).toEqual([])
    expect(broker.queue('orders').deadLetters()).toMatchObject([
      {
        deliveryCount: 3,
        state: 'active',
        deadLettered: { reason: 'MaxDeliveryCountExceeded', queue: 'orders', at: new Date(START) },
      },
    ])
    const letter = await take(deadLettersOf(transport))
    expect(letter.message).toMatchObject({ body: bytes('a'), deadLettered: { reason: 'MaxDeliveryCountExceeded' } })
  })

  test('PM5: the third lock that ends makes a dead letter, at that moment, whenever somebody looks', async () => {
    const { broker, clock, transport } = setUp()
    await sendAll(transport, 'a')
    for (const _ of [1, 2, 3]) {
      await take(transport)
      await clock.advance(30_000)
    }
    await clock.advance(5_000)
    expect((await take(deadLettersOf(transport))).message.deadLettered?.reason).toBe('MaxDeliveryCountExceeded')
    expect(broker.queue('orders').deadLetters()[0]?.deadLettered?.at).toEqual(new Date(START + 90_000))
    expect(await look(transport)).toEqual([])
  })

  test('PM5: a delay does not keep the last abandon from making a dead letter', async () => {
    const { broker, transport } = setUp({ maxDeliveryCount: 1 })
    await sendAll(transport, 'a')
    await (await take(transport)).abandon({ delayMs: 60_000 })
    expect(broker.queue('orders').deadLetters().length).toBe(1)
  })

  test('PM5: the last delivery can still be completed', async () => {
    const { broker, transport } = setUp({ maxDeliveryCount: 1 })
    await sendAll(transport, 'a')
    await (await take(transport)).complete()
    expect(broker.queue('orders').deadLetters()).toEqual([])
  })

  test('PM5: with dead letters disabled a message is redelivered for ever and cannot be dead-lettered', async () => {
    const { transport } = setUp({ deadLetter: false })
    expect(transport.deadLetters).toBeUndefined()
    await sendAll(transport, 'a')
    for (let count = 1; count <= 10; count += 1) {
      const delivery = await take(transport)
      expect(delivery.message.deliveryCount).toBe(count)
      await expect(delivery.deadLetter({ reason: 'poison' })).rejects.toMatchObject({
        code: 'Unsupported',
        facts: { feature: 'dead-letter' },
      })
      await delivery.abandon({ delayMs: 0 })
    }
  })
})

describe('a dead letter', () => {
  test('C9: keeps body, attributes, session, correlation, content type and count, and has its reason', async () => {
    const { broker, clock, transport } = setUp()
    const fields = { messageId: 'm', sessionId: 's', correlationId: 'c', contentType: 't', attributes: { k: 'v' } }
    await transport.send([wire('a', fields)], { signal: never })
    await clock.advance(1_000)
    await (await take(transport)).deadLetter({ reason: 'poison', description: 'cannot be read' })
    expect(await look(transport)).toEqual([])
    const deadLettered = { reason: 'poison', description: 'cannot be read' }
    expect(broker.queue('orders').deadLetters()).toMatchObject([
      { ...fields, body: bytes('a'), deliveryCount: 1, deadLettered: { ...deadLettered, at: new Date(START + 1_000) } },
    ])
    const { message } = await take(deadLettersOf(transport))
    expect(message).toMatchObject({ ...fields, body: bytes('a'), enqueuedAt: new Date(START), brokerMessageId: '1' })
    expect(message.deadLettered).toEqual(deadLettered)
  })

  test('is locked as a message is: one holder, a lock that ends, the place it had', async () => {
    const { clock, transport } = setUp({ lockMs: 1_000 })
    await sendAll(transport, 'a', 'b')
    for (const delivery of await look(transport)) await delivery.deadLetter({ reason: 'poison' })
    const [reader, other] = [deadLettersOf(transport), deadLettersOf(transport)]
    const first = await take(reader)
    expect(await bodies(other)).toEqual(['b'])
    await clock.advance(1_000)
    await expect(first.complete()).rejects.toMatchObject({ code: 'MessageLockLost' })
    expect(await bodies(other)).toEqual(['a', 'b'])
  })

  test('comes back however often it is abandoned, and leaves when it is completed', async () => {
    const { broker, clock, transport } = setUp({ maxDeliveryCount: 1, timeToLiveMs: 5_000 })
    await sendAll(transport, 'a')
    await (await take(transport)).abandon({ delayMs: 0 })
    const reader = deadLettersOf(transport)
    for (const _ of [1, 2, 3, 4]) {
      await (await take(reader)).abandon({ delayMs: 0 })
      await clock.advance(10_000)
    }
    const letter = await take(reader)
    await expect(letter.deadLetter({ reason: 'again' })).rejects.toMatchObject({ code: 'Unsupported' })
    await letter.complete()
    expect(await look(reader)).toEqual([])
    expect(broker.queue('orders').deadLetters()).toEqual([])
  })

  test('stands in the order in which messages became dead letters', async () => {
    const { transport } = setUp()
    await sendAll(transport, 'a', 'b', 'c')
    for (const delivery of (await look(transport)).reverse()) await delivery.deadLetter({ reason: 'poison' })
    expect(await bodies(deadLettersOf(transport))).toEqual(['c', 'b', 'a'])
  })

  test('can be waited for: a message, a last lock and a time to live that ends wake the reader', async () => {
    const { clock, transport } = setUp({ maxDeliveryCount: 1 })
    const reader = deadLettersOf(transport)
    const wait = async (): Promise<string[]> => {
      const letters = await reader.receive({ maxMessages: 10, waitMs: 60_000, signal: never })
      for (const letter of letters) await letter.complete()
      return letters.map(({ message }) => textOf(message.body))
    }
    await transport.send([wire('locked'), wire('given up'), wire('expires', { timeToLiveMs: 40_000 })], {
      signal: never,
    })
    const [, givenUp] = await look(transport, 2)
    const first = wait()
    await givenUp?.deadLetter({ reason: 'poison' })
    expect(await first).toEqual(['given up'])
    const second = wait()
    await clock.advance(30_000)
    expect(await second).toEqual(['locked'])
    const third = wait()
    await clock.advance(10_000)
    expect(await third).toEqual(['expires'])
  })
})
