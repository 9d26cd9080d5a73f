import { randomUUID } from 'node:crypto'
import { SQSClient } from '@aws-sdk/client-sqs'
import type { QueueClientOptions } from '@queue-runtime/core'
import { createQueueClient, type QueueClient } from '@queue-runtime/core'
import type { Delivery, QueueTransport, TransportReceiver, WireBody, WireMessage } from '@queue-runtime/core/provider'
import { type SqsProvider, type SqsProviderOptions, sqsProvider } from '@queue-runtime/provider-sqs'
import { type StrictSqs, startStrictSqs } from '@queue-runtime/sqs-strict'
import { afterAll, afterEach, beforeAll } from 'vitest'

/** Any will do: the local server does not look at them. */
export const LOCAL = {
  region: 'us-east-1',
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
} as const

export const never: AbortSignal = new AbortController().signal

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
export const textOf = ({ message }: Delivery): string => new TextDecoder().decode(message.body)

/** The one place where bytes become a body for the wire without protection: core does it after it. */
const toWire = (bytes: Uint8Array): WireBody => bytes as WireBody

export function wire(body: string | Uint8Array, fields: Partial<Omit<WireMessage, 'body'>> = {}): WireMessage {
  const messageId = fields.messageId ?? randomUUID()
  const bytes = typeof body === 'string' ? utf8(body) : body
  return { deduplicationId: messageId, ...fields, messageId, body: toWire(bytes) }
}

/** A local SQS for the tests of a file. Queues and transports are new for each test and closed after it. */
export interface Local {
  readonly sqs: StrictSqs
  /** Another SDK client, as another tool has it. */
  readonly tool: SQSClient
  /** Makes a queue with dead letters after so many deliveries; without a number it has none. Returns its logical name. */
  queue(options?: { fifo?: boolean; maxReceiveCount?: number }): Promise<string>
  nameOf(queue: string): string
  urlOf(queue: string): string
  provider(options?: SqsProviderOptions): SqsProvider
  open(queue: string, options?: SqsProviderOptions): QueueTransport
  client(queue: string, options?: Partial<QueueClientOptions>, provider?: SqsProviderOptions): QueueClient
}

export function local(): () => Local {
  let sqs: StrictSqs
  let tool: SQSClient
  const fifos = new Set<string>()
  const opened: { close(): Promise<void> }[] = []

  beforeAll(async () => {
    sqs = await startStrictSqs()
    tool = new SQSClient({ ...LOCAL, endpoint: sqs.endpoint })
  })
  afterEach(async () => {
    sqs.inject()
    await Promise.all(opened.splice(0).map((one) => one.close()))
  })
  afterAll(async () => {
    tool.destroy()
    await sqs.close()
  })

  const nameOf = (queue: string): string => (fifos.has(queue) ? `${queue}.fifo` : queue)
  const keep = <T extends { close(): Promise<void> }>(one: T): T => {
    opened.push(one)
    return one
  }
  const provider = ({ queues, ...options }: SqsProviderOptions = {}): SqsProvider =>
    sqsProvider({
      ...(options.client === undefined && { ...LOCAL, endpoint: sqs.endpoint }),
      queues: { ...Object.fromEntries([...fifos].map((queue) => [queue, { name: `${queue}.fifo` }])), ...queues },
      ...options,
    })

  return () => ({
    sqs,
    tool,
    async queue({ fifo = false, maxReceiveCount } = {}) {
      const queue = `q-${randomUUID()}`
      if (fifo) fifos.add(queue)
      if (maxReceiveCount === undefined) await sqs.createQueue(nameOf(queue))
      else await sqs.createQueueWithDeadLetters(nameOf(queue), maxReceiveCount)
      return queue
    },
    nameOf,
    urlOf: (queue) => `${sqs.endpoint}/000000000000/${nameOf(queue)}`,
    provider,
    open: (queue, options) => keep(provider(options).open(queue)),
    client: (queue, options = {}, providerOptions = {}) =>
      keep(createQueueClient({ provider: provider(providerOptions), queue, logger: false, ...options })),
  })
}

/** Receives until there are `count` deliveries, or nothing comes for a while. */
export async function takeAll(receiver: TransportReceiver, count: number): Promise<Delivery[]> {
  const taken: Delivery[] = []
  while (taken.length < count) {
    const deliveries = await receiver.receive({
      maxMessages: Math.min(10, count - taken.length),
      waitMs: 3_000,
      signal: never,
    })
    if (deliveries.length === 0) break
    taken.push(...deliveries)
  }
  return taken
}

export async function take(receiver: TransportReceiver): Promise<Delivery> {
  const [delivery] = await takeAll(receiver, 1)
  if (delivery === undefined) throw new Error('A message should be there.')
  return delivery
}

export const noneIn = async (receiver: TransportReceiver, waitMs = 300): Promise<boolean> =>
  (await receiver.receive({ maxMessages: 10, waitMs, signal: never })).length === 0
