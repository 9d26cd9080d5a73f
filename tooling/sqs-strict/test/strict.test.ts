import {
  ChangeMessageVisibilityBatchCommand,
  ChangeMessageVisibilityCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  type Message,
  type MessageAttributeValue,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Fault, type StrictSqs, startStrictSqs } from '../src/index.ts'

let sqs: StrictSqs
let client: SQSClient
let made = 0
beforeAll(async () => {
  sqs = await startStrictSqs()
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b' }
  client = new SQSClient({ region: 'us-east-1', endpoint: sqs.endpoint, credentials, maxAttempts: 1 })
})
afterAll(async () => {
  client.destroy()
  await sqs.close()
})

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
const newQueue = (suffix = ''): Promise<string> => {
  made += 1
  return sqs.createQueue(`q${made}${suffix}`)
}
const send = (QueueUrl: string, MessageBody: string, group?: string) =>
  client.send(
    new SendMessageCommand({
      QueueUrl,
      MessageBody,
      ...(group !== undefined && { MessageGroupId: group, MessageDeduplicationId: crypto.randomUUID() }),
    }),
  )
const receive = async (QueueUrl: string, VisibilityTimeout = 30, MaxNumberOfMessages = 10): Promise<Message[]> =>
  (await client.send(new ReceiveMessageCommand({ QueueUrl, VisibilityTimeout, MaxNumberOfMessages }))).Messages ?? []
const attributes = (count: number, value: MessageAttributeValue = { DataType: 'String', StringValue: 'v' }) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`a${index}`, value]))
/** The SDK knows some errors by their short name. */
const named = (name: string) => expect.stringMatching(new RegExp(`(^|\\.)${name}$`))
const refused = (call: Promise<unknown>, name: string) => expect(call).rejects.toMatchObject({ name: named(name) })

describe('what AWS refuses and fauxqs takes', () => {
  it.for([
    ['eleven attributes', { MessageAttributes: attributes(11) }, 'InvalidParameterValue'],
    [
      'an empty attribute',
      { MessageAttributes: attributes(1, { DataType: 'String', StringValue: '' }) },
      'InvalidParameterValue',
    ],
    [
      'a control character in an attribute',
      { MessageAttributes: attributes(1, { DataType: 'String', StringValue: '\u0001' }) },
      'InvalidMessageContents',
    ],
    ['U+FFFF in a body', { MessageBody: '\uffff' }, 'InvalidMessageContents'],
    ['a delay of 901 s', { DelaySeconds: 901 }, 'InvalidParameterValue'],
    ['a delay of half a second', { DelaySeconds: 0.5 }, 'InvalidParameterValue'],
    ['a group with a space', { MessageGroupId: 'a b' }, 'InvalidParameterValue'],
  ] as const)('%s, in one and in a batch', async ([, wrong, code]) => {
    const QueueUrl = await newQueue()
    await refused(client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'a', ...wrong })), code)
    const entries = [
      { Id: 'right', MessageBody: 'a' },
      { Id: 'wrong', MessageBody: 'a', ...wrong },
    ]
    const { Successful, Failed } = await client.send(new SendMessageBatchCommand({ QueueUrl, Entries: entries }))
    expect([Successful?.map(({ Id }) => Id), Failed?.map(({ Id, Code }) => [Id, Code])]).toEqual([
      ['right'],
      [['wrong', code]],
    ])
    expect(await receive(QueueUrl)).toHaveLength(1)
  })

  it('takes ten attributes and a delay of 900 s', async () => {
    const QueueUrl = await newQueue()
    await client.send(
      new SendMessageCommand({ QueueUrl, MessageBody: 'a', MessageAttributes: attributes(10), DelaySeconds: 900 }),
    )
  })

  it('bogus handles, one by one and in batches', async () => {
    const QueueUrl = await newQueue()
    await send(QueueUrl, 'a')
    const [message] = await receive(QueueUrl)
    const Entries = [
      { Id: 'right', ReceiptHandle: message?.ReceiptHandle },
      { Id: 'wrong', ReceiptHandle: 'bogus' },
    ]
    await refused(client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: 'bogus' })), 'ReceiptHandleIsInvalid')
    await refused(
      client.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle: 'bogus', VisibilityTimeout: 0 })),
      'ReceiptHandleIsInvalid',
    )
    const held = Entries.map((entry) => ({ ...entry, VisibilityTimeout: 10 }))
    const changed = await client.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries: held }))
    const deleted = await client.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }))
    for (const { Successful, Failed } of [changed, deleted]) {
      expect(Successful).toMatchObject([{ Id: 'right' }])
      expect(Failed).toMatchObject([{ Id: 'wrong', Code: 'ReceiptHandleIsInvalid', SenderFault: true }])
    }
  })

  it('extending a message that nobody holds any more, or for more than twelve hours', async () => {
    const QueueUrl = await newQueue()
    await send(QueueUrl, 'a')
    const [message] = await receive(QueueUrl, 1)
    const extend = (VisibilityTimeout: number) =>
      client.send(
        new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle: message?.ReceiptHandle, VisibilityTimeout }),
      )
    await refused(extend(43_201), 'InvalidParameterValue')
    await pause(1_050)
    await refused(extend(10), 'MessageNotInflight')
    const [again] = await receive(QueueUrl)
    expect(again?.MessageId).toBe(message?.MessageId)
  })

  it('deleting with the handle of a former holder: refused on FIFO, without effect on standard queues', async () => {
    for (const [suffix, group] of [
      ['', undefined],
      ['.fifo', 'g'],
    ] as const) {
      const QueueUrl = await newQueue(suffix)
      await send(QueueUrl, 'a', group)
      const [old] = await receive(QueueUrl, 1)
      await pause(1_050)
      const [current] = await receive(QueueUrl)
      expect(current?.MessageId).toBe(old?.MessageId)
      const deleting = client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: old?.ReceiptHandle }))
      if (suffix === '.fifo') await refused(deleting, 'InvalidParameterValue')
      else await deleting
      expect(await sqs.count(`q${made}${suffix}`)).toEqual({ visible: 0, held: 1 })
      await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: current?.ReceiptHandle }))
      await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: current?.ReceiptHandle }))
      expect(await sqs.count(`q${made}${suffix}`)).toEqual({ visible: 0, held: 0 })
    }
  })
})

describe('a FIFO receive', () => {
  it('gives as many messages of a group as fit, in their order, and none of a group that is held', async () => {
    const QueueUrl = await newQueue('.fifo')
    for (const body of ['a1', 'a2', 'b1', 'a3']) await send(QueueUrl, body, body[0])
    const few = await receive(QueueUrl, 30, 2)
    expect(few).toHaveLength(2)
    const rest = await receive(QueueUrl)
    const bodies = [...few, ...rest].map(({ Body }) => Body)
    expect(bodies.every((body) => body !== 'a3' || bodies.includes('a2'))).toBe(true)
    expect(await receive(QueueUrl)).toEqual([])
  })

  it('gives what came back in its old order, whatever order it came back in', async () => {
    const QueueUrl = await newQueue('.fifo')
    for (const body of ['1', '2', '3']) await send(QueueUrl, body, 'g')
    const messages = await receive(QueueUrl)
    for (const { ReceiptHandle } of messages) {
      await client.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 0 }))
    }
    expect((await receive(QueueUrl)).map(({ Body }) => Body)).toEqual(['1', '2', '3'])
  })
})

describe('what goes wrong on demand', () => {
  const once = async (fault: Fault): Promise<{ thrown: unknown; stored: number }> => {
    const QueueUrl = await newQueue()
    sqs.inject(() => fault)
    const thrown = await send(QueueUrl, 'a').then(
      () => undefined,
      (error: unknown) => error,
    )
    sqs.inject()
    return { thrown, stored: (await sqs.count(`q${made}`)).visible }
  }

  it.for([
    [{ kind: 'error', status: 400, code: 'RequestThrottled' }, { name: expect.stringMatching('RequestThrottled$') }, 0],
    [{ kind: 'error', status: 503, code: 'ServiceUnavailable' }, { $metadata: { httpStatusCode: 503 } }, 0],
    [{ kind: 'cut', when: 'before' }, { code: 'ECONNRESET' }, 0],
    [{ kind: 'cut', when: 'after' }, { code: 'ECONNRESET' }, 1],
    [{ kind: 'cut', when: 'amid' }, {}, 1],
    [{ kind: 'slow', ms: 50 }, undefined, 1],
  ] as const)('%j', async ([fault, thrown, stored]) => {
    const found = await once(fault)
    if (thrown === undefined) expect(found.thrown).toBeUndefined()
    else expect(found.thrown).toMatchObject(thrown)
    expect(found.stored).toBe(stored)
  })

  it('nothing is answered', async () => {
    const QueueUrl = await newQueue()
    sqs.inject(() => ({ kind: 'stall' }))
    const sending = client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'a' }), {
      abortSignal: AbortSignal.timeout(200),
    })
    await refused(sending, 'AbortError')
    sqs.inject()
    expect(await sqs.count(`q${made}`)).toEqual({ visible: 0, held: 0 })
  })

  it('some entries of a batch fail', async () => {
    const QueueUrl = await newQueue()
    sqs.inject(() => ({ kind: 'entries', code: 'InternalError', senderFault: false, spared: (index) => index === 1 }))
    const Entries = ['0', '1', '2'].map((Id) => ({ Id, MessageBody: Id }))
    const { Successful, Failed } = await client.send(new SendMessageBatchCommand({ QueueUrl, Entries }))
    sqs.inject()
    expect([Successful?.map(({ Id }) => Id), Failed?.map(({ Id }) => Id)]).toEqual([['1'], ['0', '2']])
    expect((await receive(QueueUrl)).map(({ Body }) => Body)).toEqual(['1'])
  })
})

it('the header of X-Ray comes back where it is asked for, and is the only system attribute', async () => {
  const QueueUrl = await newQueue()
  const AWSTraceHeader = { DataType: 'String', StringValue: 'Root=1-5759e988-bd862e3fe1be46a994272793' }
  await client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'a', MessageSystemAttributes: { AWSTraceHeader } }))
  const { Messages } = await client.send(
    new ReceiveMessageCommand({ QueueUrl, MessageSystemAttributeNames: ['AWSTraceHeader'] }),
  )
  expect(Messages?.[0]?.Attributes).toEqual({ AWSTraceHeader: AWSTraceHeader.StringValue })
})
