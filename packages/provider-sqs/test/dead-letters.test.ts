import { type MessageAttributeValue, ReceiveMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs'
import { describe, expect, it } from 'vitest'
import { sealing } from './protection.ts'
import { SCALED_TIMEOUT_MS, scaled } from './scale.ts'
import { local, never, noneIn, take, takeAll, textOf, utf8, wire } from './support.ts'

const here = local()

describe('the dead-letter queue', () => {
  it('is the one that the redrive policy names, asked for once (PS7)', async () => {
    const { sqs, open, queue: make } = here()
    const queue = await make({ maxReceiveCount: 5 })
    const transport = open(queue)
    await transport.send([wire('a'), wire('b')], { signal: never })
    for (const delivery of await takeAll(transport, 2)) await delivery.deadLetter({ reason: 'r' })
    expect(sqs.calls.filter((call) => call.queue === queue && call.action === 'GetQueueAttributes')).toHaveLength(1)
    expect(await sqs.count(`${queue}-dlq`)).toEqual({ visible: 2, held: 0 })
    expect(await sqs.count(queue)).toEqual({ visible: 0, held: 0 })
  })

  it('may be configured, and then nobody needs to read the attributes of the queue (PS7, PS14)', async () => {
    const { sqs, open, queue: make } = here()
    const [queue, letters] = [await make(), await make()]
    sqs.inject(({ action }) =>
      action === 'GetQueueAttributes' ? { kind: 'error', status: 403, code: 'AccessDenied' } : undefined,
    )
    const transport = open(queue, { queues: { [queue]: { deadLetter: letters } } })
    await transport.send([wire('a')], { signal: never })
    await (await take(transport)).deadLetter({ reason: 'r', description: 'd' })
    const reader = transport.deadLetters?.()
    expect(reader && (await take(reader)).message.deadLettered).toEqual({ reason: 'r', description: 'd' })
  })

  it('is missing: Unsupported, and the message stays (PS7, settled question 9)', async () => {
    const { sqs, open, queue: make } = here()
    const queue = await make()
    for (const options of [{}, { queues: { [queue]: { deadLetter: false as const } } }]) {
      const transport = open(queue, options)
      await transport.send([wire('a')], { signal: never })
      const delivery = await take(transport)
      await expect(delivery.deadLetter({ reason: 'r' })).rejects.toMatchObject({
        code: 'Unsupported',
        facts: { feature: 'dead-letter' },
      })
      await delivery.abandon({ delayMs: 0 })
      await (await take(transport)).complete()
      const reading = transport.deadLetters?.().receive({ maxMessages: 1, waitMs: 0, signal: never })
      if (reading)
        await expect(reading).rejects.toMatchObject({ code: 'Unsupported', facts: { feature: 'dead-letter' } })
    }
    expect(await sqs.count(queue)).toEqual({ visible: 0, held: 0 })
  })

  it('cannot be found for want of a permission: PermissionDenied, and the message stays (PS7)', async () => {
    const { sqs, open, queue: make } = here()
    const queue = await make({ maxReceiveCount: 5 })
    const transport = open(queue)
    await transport.send([wire('a')], { signal: never })
    const delivery = await take(transport)
    sqs.inject(({ action }) =>
      action === 'GetQueueAttributes' ? { kind: 'error', status: 403, code: 'AccessDenied' } : undefined,
    )
    await expect(delivery.deadLetter({ reason: 'r' })).rejects.toMatchObject({ code: 'PermissionDenied' })
    expect(await sqs.count(queue)).toEqual({ visible: 0, held: 1 })
  })

  it('does not take the message: the error surfaces, the message stays, and another try may do it (D6, edge case 14)', async () => {
    const { sqs, open, queue: make } = here()
    const queue = await make({ maxReceiveCount: 5 })
    const transport = open(queue)
    await transport.send([wire('a')], { signal: never })
    const delivery = await take(transport)
    sqs.inject((call) =>
      call.queue === `${queue}-dlq` ? { kind: 'error', status: 500, code: 'InternalError' } : undefined,
    )
    await expect(delivery.deadLetter({ reason: 'r' })).rejects.toMatchObject({
      code: 'ProviderError',
      isTransient: true,
    })
    expect(await sqs.count(queue)).toEqual({ visible: 0, held: 1 })
    sqs.inject()
    await delivery.deadLetter({ reason: 'r' })
    expect(await sqs.count(`${queue}-dlq`)).toEqual({ visible: 1, held: 0 })
  })

  it('has the message before the queue loses it: what fails between makes two of it, and never none (PS7, D3)', async () => {
    const { sqs, open, queue: make } = here()
    const queue = await make({ maxReceiveCount: 5 })
    const transport = open(queue)
    await transport.send([wire('a')], { signal: never })
    const delivery = await take(transport)
    sqs.inject(({ action }) => (action === 'DeleteMessageBatch' ? { kind: 'cut', when: 'before' } : undefined))
    await expect(delivery.deadLetter({ reason: 'r' })).rejects.toMatchObject({ code: 'ConnectionFailed' })
    expect(await sqs.count(queue)).toEqual({ visible: 0, held: 1 })
    expect(await sqs.count(`${queue}-dlq`)).toEqual({ visible: 1, held: 0 })
  })

  it('takes a foreign message with ten attributes, as its text and its attributes (protocol.md 2)', async () => {
    const { tool, client, open, queue: make, urlOf } = here()
    const queue = await make({ maxReceiveCount: 5 })
    const MessageAttributes = Object.fromEntries(
      Array.from({ length: 10 }, (_, index): [string, MessageAttributeValue] => [
        `a${index}`,
        index % 2 === 0
          ? { DataType: 'String', StringValue: `v${index}` }
          : { DataType: 'Binary', BinaryValue: Uint8Array.of(index) },
      ]),
    )
    await tool.send(new SendMessageCommand({ QueueUrl: urlOf(queue), MessageBody: 'text', MessageAttributes }))
    const reader = client(queue, { crypto: sealing() })
    const { messages, rejected } = await reader.receiveBatch({ waitMs: 1_500 })
    expect([messages.length, rejected[0]?.error.code, rejected[0]?.settled]).toEqual([0, 'UnencryptedMessage', true])
    const letters = open(queue).deadLetters?.()
    const { message } = await take(letters ?? open(queue))
    expect([message.body, message.messageId, message.deadLettered?.reason]).toEqual([
      utf8('text'),
      rejected[0]?.messageId,
      'qr.rejected',
    ])
    expect(message.attributes).toEqual(rejected[0]?.attributes)
    expect(Object.keys(message.attributes)).toHaveLength(10)
  })

  it('says since when, from where and after how many deliveries (D1)', async () => {
    const { tool, open, queue: make, urlOf } = here()
    const queue = await make({ maxReceiveCount: 5 })
    const transport = open(queue)
    await transport.send([wire('a', { messageId: 'm' })], { signal: never })
    await (await take(transport)).deadLetter({ reason: 'r' })
    const { Messages } = await tool.send(
      new ReceiveMessageCommand({ QueueUrl: `${urlOf(queue)}-dlq`, MessageAttributeNames: ['All'] }),
    )
    const { dl, ...fields } = JSON.parse(Messages?.[0]?.MessageAttributes?.qr?.StringValue ?? '{}')
    expect(fields).toEqual({ v: 1, id: 'm' })
    expect(dl).toEqual({ reason: 'r', at: expect.any(String), queue, deliveries: 1 })
    expect(Math.abs(Date.parse(dl.at) - Date.now())).toBeLessThan(60_000)
  })
})

describe('dead letters of a FIFO queue', () => {
  it('are all delivered again within the window in which SQS drops known ids, twice over (D3, PS9)', {
    timeout: SCALED_TIMEOUT_MS,
  }, async () => {
    const { sqs, client, open, queue: make } = here()
    const queue = await make({ fifo: true, maxReceiveCount: 50 })
    const crypto = sealing()
    const sender = client(queue, { crypto })
    const count = scaled(20)
    const messages = Array.from({ length: count }, (_, index) => ({ body: String(index), sessionId: `s${index % 5}` }))
    const ids = (await sender.sendBatch(messages)).map(({ messageId }) => messageId)
    for (let round = 0; round < 2; round += 1) {
      for (let done = 0; done < count; ) {
        const { messages: received } = await sender.receiveBatch({ waitMs: 3_000 })
        expect(received.length).toBeGreaterThan(0)
        for (const message of received) await message.deadLetter({ reason: 'round' })
        done += received.length
      }
      expect(await sqs.count(`${queue}-dlq.fifo`)).toMatchObject({ visible: count })
      expect(await sender.deadLetters().redrive()).toEqual({ redriven: count, skipped: 0, failed: [] })
    }
    const received: string[] = []
    const texts = new Map<string | undefined, number[]>()
    while (received.length < count) {
      const { messages: some } = await sender.receiveBatch({ waitMs: 3_000 })
      expect(some.length).toBeGreaterThan(0)
      for (const message of some) {
        received.push(message.messageId)
        texts.set(message.sessionId, [...(texts.get(message.sessionId) ?? []), Number(message.text())])
        await message.complete()
      }
    }
    expect(received.toSorted()).toEqual(ids.toSorted())
    expect(await noneIn(open(queue))).toBe(true)
    for (const numbers of texts.values()) expect(numbers).toEqual(numbers.toSorted((one, other) => one - other))
  })

  it('lie in a FIFO queue, in the group that they had (PS15)', async () => {
    const { open, queue: make } = here()
    const queue = await make({ fifo: true, maxReceiveCount: 5 })
    const transport = open(queue)
    await transport.send([wire('a', { sessionId: 'g' }), wire('b', { sessionId: 'g' })], { signal: never })
    for (const delivery of await takeAll(transport, 2)) await delivery.deadLetter({ reason: 'r' })
    const reader = transport.deadLetters?.()
    const letters = reader ? await takeAll(reader, 2) : []
    expect(letters.map((letter) => [textOf(letter), letter.message.sessionId])).toEqual([
      ['a', 'g'],
      ['b', 'g'],
    ])
  })
})
