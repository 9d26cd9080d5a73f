import { type Message, ReceiveMessageCommand } from '@aws-sdk/client-sqs'
import type { MessageHandler, QueueClient, QueueClientOptions } from '@queue-runtime/core'
import type { Delivery } from '@queue-runtime/core/provider'
import type { SqsEvent, SqsProviderOptions, SqsRecord } from '@queue-runtime/provider-sqs'
import { describe, expect, it } from 'vitest'
import { sealing } from './protection.ts'
import { type Local, local, textOf } from './support.ts'

const here = local()

/** A message as Lambda puts it into an event. Source: "Using Lambda with Amazon SQS", AWS Lambda Developer Guide. */
const recordOf = (message: Message, name: string): SqsRecord => ({
  messageId: message.MessageId ?? '',
  receiptHandle: message.ReceiptHandle ?? '',
  body: message.Body ?? '',
  attributes: { ...message.Attributes },
  messageAttributes: Object.fromEntries(
    Object.entries(message.MessageAttributes ?? {}).map(([key, { DataType = '', StringValue, BinaryValue }]) => [
      key,
      {
        dataType: DataType,
        stringValue: StringValue,
        binaryValue: BinaryValue && Buffer.from(BinaryValue).toString('base64'),
      },
    ]),
  ),
  eventSourceARN: `arn:aws:sqs:us-east-1:000000000000:${name}`,
})

/** What Lambda does before it calls a function. */
const eventOf = async ({ tool, urlOf, nameOf }: Local, queue: string, count: number): Promise<SqsEvent> => {
  const { Messages = [] } = await tool.send(
    new ReceiveMessageCommand({
      QueueUrl: urlOf(queue),
      MaxNumberOfMessages: count,
      WaitTimeSeconds: 2,
      MessageAttributeNames: ['All'],
      MessageSystemAttributeNames: ['All'],
    }),
  )
  return { Records: Messages.map((message) => recordOf(message, nameOf(queue))) }
}

const function_ = (
  at: Local,
  queue: string,
  handler: MessageHandler,
  options: { client?: Partial<QueueClientOptions>; provider?: SqsProviderOptions } = {},
) => at.provider(options.provider).lambdaHandler(at.client(queue, options.client, options.provider), handler)

/** Fills a queue and calls a function with all that is in it. */
const invoke = async (
  bodies: readonly string[],
  handler: MessageHandler,
  {
    fifo = false,
    sessionOf = () => 's',
    ...options
  }: { fifo?: boolean; sessionOf?: (body: string) => string } & Parameters<typeof function_>[3] = {},
) => {
  const at = here()
  const queue = await at.queue({ fifo, maxReceiveCount: 9 })
  await at
    .client(queue, options.client)
    .sendBatch(bodies.map((body) => ({ body, messageId: `m-${body}`, ...(fifo && { sessionId: sessionOf(body) }) })))
  const event = await eventOf(at, queue, 10)
  expect(event.Records).toHaveLength(bodies.length)
  const bodyOf = new Map(
    event.Records.map(({ messageId, messageAttributes }) => [
      messageId,
      JSON.parse(messageAttributes.qr?.stringValue ?? '{}').id.slice(2),
    ]),
  )
  const { batchItemFailures } = await function_(
    at,
    queue,
    handler,
    options,
  )(event, { getRemainingTimeInMillis: () => 30_000 })
  return { at, queue, failures: batchItemFailures.map(({ itemIdentifier }) => bodyOf.get(itemIdentifier)) }
}

describe('a function of Lambda', () => {
  it('opens what was sealed, and reports what failed alone (contracts.ts, PS6)', async () => {
    const seen: unknown[] = []
    const { failures } = await invoke(
      ['1', '2', '3', '4'],
      async (message) => {
        seen.push([message.text(), message.seal?.keyId, message.deliveryCount, message.messageId])
        if (message.text() === '2') throw new Error('failed')
        if (message.text() === '4') await message.abandon({ delayMs: 5_000 })
      },
      { client: { crypto: sealing() } },
    )
    expect(seen).toHaveLength(4)
    expect(seen).toContainEqual(['1', 'sqs-1', 1, 'm-1'])
    expect(failures.toSorted()).toEqual(['2', '4'])
  })

  it('asks nothing of SQS for what Lambda does itself', async () => {
    const { at, queue } = await invoke(['1', '2'], async () => {})
    const asked = at.sqs.calls.filter((call) => call.queue === queue).map(({ action }) => action)
    expect(asked.filter((action) => /Delete|Change/.test(action))).toEqual([])
  })

  it('moves dead letters itself, and lets Lambda delete them (PS7)', async () => {
    const { at, queue, failures } = await invoke(['1', '2'], async (message) => {
      if (message.text() === '1') await message.deadLetter({ reason: 'order.unknown' })
    })
    expect(failures).toEqual([])
    expect(await at.sqs.count(`${queue}-dlq`)).toEqual({ visible: 1, held: 0 })
    for await (const letter of at.client(queue).deadLetters().messages()) expect(letter.reason).toBe('order.unknown')
  })

  it('sets aside what cannot be opened (protocol.md 4.2)', async () => {
    const at = here()
    const queue = await at.queue({ maxReceiveCount: 9 })
    await at.client(queue).send({ body: 'plain' })
    await at.client(queue, { crypto: sealing() }).send({ body: 'sealed' })
    const seen: string[] = []
    const run = function_(at, queue, async (message) => void seen.push(message.text()), {
      client: { crypto: sealing() },
    })
    expect(await run(await eventOf(at, queue, 10))).toEqual({ batchItemFailures: [] })
    expect(seen).toEqual(['sealed'])
    expect(await at.sqs.count(`${queue}-dlq`)).toEqual({ visible: 1, held: 0 })
  })

  it('reports of a FIFO group all behind the first that failed, and of others nothing (PS1, C15)', async () => {
    const handled: string[] = []
    const { failures } = await invoke(
      ['a1', 'b1', 'a2', 'b2', 'a3', 'b3'],
      async (message) => {
        if (message.text() === 'a2') throw new Error('failed')
        handled.push(message.text())
      },
      { fifo: true, sessionOf: ([group = '']) => group, client: { crypto: sealing() } },
    )
    expect(handled.toSorted()).toEqual(['a1', 'b1', 'b2', 'b3'])
    expect(failures).toEqual(['a2', 'a3'])
  })

  it('reports what is done behind a failure of its FIFO group, too, and not what lies in the dead-letter queue (C15)', async () => {
    const at = here()
    const queue = await at.queue({ fifo: true, maxReceiveCount: 9 })
    await at
      .client(queue)
      .sendBatch(['1', '2', '3', '4'].map((body) => ({ body, sessionId: body === '4' ? 'other' : 's' })))
    const event = await eventOf(at, queue, 10)
    // A client that looks after no order.
    const process = async (deliveries: readonly Delivery[]): Promise<void> => {
      const byText = new Map(deliveries.map((delivery) => [textOf(delivery), delivery]))
      await byText.get('1')?.abandon({ delayMs: 0 })
      await byText.get('2')?.complete()
      await byText.get('3')?.deadLetter({ reason: 'r' })
      await byText.get('4')?.complete()
    }
    const run = at.provider().lambdaHandler({ queue, process } as unknown as QueueClient, async () => {})
    const { batchItemFailures } = await run(event)
    const failed = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier))
    expect(event.Records.filter(({ messageId }) => failed.has(messageId)).map(({ body }) => body)).toEqual(['1', '2'])
  })

  it('reports before its time is over, though a handler hangs (A13)', async () => {
    const at = here()
    const queue = await at.queue()
    await at.client(queue).sendBatch([{ body: '1' }, { body: '2' }])
    const event = await eventOf(at, queue, 10)
    const first = event.Records[0]?.body
    const run = function_(at, queue, async (message) => {
      if (message.text() !== first) await new Promise(() => {})
    })
    const begun = performance.now()
    const { batchItemFailures } = await run(event, { getRemainingTimeInMillis: () => 2_000 })
    expect(performance.now() - begun).toBeLessThan(1_800)
    expect(batchItemFailures).toEqual([{ itemIdentifier: event.Records[1]?.messageId }])
  })

  it('fails as a whole where nothing could be done, with the reason', async () => {
    const at = here()
    const queue = await at.queue()
    const client = at.client(queue)
    await client.send({ body: '1' })
    const run = at.provider().lambdaHandler(client, async () => {})
    await client.close()
    await expect(run(await eventOf(at, queue, 10))).rejects.toMatchObject({ code: 'ClientClosed' })
  })

  it('may be called with an empty event', async () => {
    const at = here()
    expect(await function_(at, await at.queue(), async () => {})({ Records: [] })).toEqual({ batchItemFailures: [] })
  })

  it('checks what it is given when it is made (C23)', async () => {
    const at = here()
    const client = at.client(await at.queue())
    const none = undefined as unknown
    expect(() => at.provider().lambdaHandler(client, none as MessageHandler)).toThrow('handler')
    expect(() => at.provider().lambdaHandler(none as typeof client, async () => {})).toThrow('client')
  })
})
