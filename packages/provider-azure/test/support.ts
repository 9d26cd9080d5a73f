import { randomUUID } from 'node:crypto'
import {
  ServiceBusClient,
  type ServiceBusMessage,
  type ServiceBusReceivedMessage,
  type ServiceBusReceiver,
} from '@azure/service-bus'
import { createQueueClient, type QueueClient, type QueueClientOptions } from '@queue-runtime/core'
import type {
  Delivery,
  QueueTransport,
  SessionTransport,
  TransportReceiver,
  WireBody,
  WireMessage,
} from '@queue-runtime/core/provider'
import { type AzureProvider, type AzureProviderOptions, azureProvider } from '@queue-runtime/provider-azure'
import {
  type EmulatedQueue,
  type QueueOptions,
  type ServiceBusEmulator,
  startServiceBusEmulator,
} from '@queue-runtime/service-bus-emulator'
import { afterAll, beforeAll } from 'vitest'

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

/** A local Service Bus for the tests of a file, which may run side by side. What they open is closed when all are through. */
export interface Local {
  readonly emulator: ServiceBusEmulator
  /** Another SDK client, as another tool has it. */
  readonly tool: ServiceBusClient
  /** Makes a queue and returns its name. */
  queue(options?: QueueOptions): string
  /** What is in a queue, past all locks. */
  look(queue: string): EmulatedQueue
  provider(options?: Partial<AzureProviderOptions>): AzureProvider
  open(queue: string, options?: Partial<AzureProviderOptions>): QueueTransport
  client(
    queue: string,
    options?: Partial<QueueClientOptions>,
    provider?: Partial<AzureProviderOptions> | AzureProvider,
  ): QueueClient
}

export function local(): () => Local {
  let emulator: ServiceBusEmulator
  let tool: ServiceBusClient
  const withSessions = new Set<string>()
  const opened: { close(): Promise<void> }[] = []
  const faults: (() => void)[] = []

  beforeAll(async () => {
    emulator = await startServiceBusEmulator({ queues: [] })
    tool = new ServiceBusClient(emulator.connectionString, { retryOptions: { maxRetries: 0, timeoutInMs: 5_000 } })
  })
  afterAll(async () => {
    for (const remove of faults) remove()
    await Promise.all(opened.map((one) => one.close()))
    await tool.close()
    await emulator.close()
  })

  const keep = <T extends { close(): Promise<void> }>(one: T): T => {
    opened.push(one)
    return one
  }
  const provider = ({ queues, ...options }: Partial<AzureProviderOptions> = {}): AzureProvider =>
    azureProvider({
      ...(options.client === undefined && { connectionString: emulator.connectionString }),
      queues: { ...Object.fromEntries([...withSessions].map((queue) => [queue, { sessions: true }])), ...queues },
      logger: false,
      ...options,
    })

  return () => ({
    emulator: {
      ...emulator,
      inject(...fault) {
        const remove = emulator.inject(...fault)
        faults.push(remove)
        return remove
      },
    },
    tool,
    queue(options = {}) {
      const queue = `q-${randomUUID()}`
      if (options.requiresSession === true) withSessions.add(queue)
      emulator.addQueue(queue, options)
      return queue
    },
    look: (queue) => emulator.queue(queue),
    provider,
    open: (queue, options) => keep(provider(options).open(queue)),
    client: (queue, options = {}, given = {}) =>
      keep(
        createQueueClient({
          provider: 'open' in given ? given : provider(given),
          ...{ queue, logger: false },
          ...options,
        }),
      ),
  })
}

/** Sends messages that must all be taken. */
export async function send(transport: QueueTransport, ...messages: readonly WireMessage[]): Promise<void> {
  const outcomes = await transport.send(messages, { signal: never })
  for (const { error } of outcomes) if (error !== null) throw error
}

/** Receives until there are `count` deliveries, or nothing comes for a while. */
export async function takeAll(receiver: TransportReceiver, count: number, waitMs = 3_000): Promise<Delivery[]> {
  const taken: Delivery[] = []
  while (taken.length < count) {
    const maxMessages = Math.min(500, count - taken.length)
    const deliveries = await receiver.receive({ maxMessages, waitMs, signal: never })
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

/** Takes the lock of a session, which must be possible. */
export async function accept(transport: QueueTransport, sessionId?: string, waitMs = 5_000): Promise<SessionTransport> {
  const session = await transport.acceptSession?.({ sessionId, waitMs, signal: never })
  if (!session) throw new Error('A session should be there.')
  return session
}

/** The reader of the dead letters, which there must be. */
export function lettersOf(transport: QueueTransport): TransportReceiver {
  const receiver = transport.deadLetters?.()
  if (receiver === undefined) throw new Error('There should be dead letters.')
  return receiver
}

/** The code of what a call rejects with, or `done`. */
export const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'done',
    (error: unknown) => (error instanceof Error && 'code' in error ? String(error.code) : String(error)),
  )

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Sends with the SDK, as other senders do. */
export async function sendRaw(
  client: ServiceBusClient,
  queue: string,
  ...messages: ServiceBusMessage[]
): Promise<void> {
  const sender = client.createSender(queue)
  await sender.sendMessages(messages)
  await sender.close()
}

/** Receives with the SDK, as other receivers do. */
export async function takeRaw(
  client: ServiceBusClient,
  queue: string,
  count = 1,
): Promise<{ receiver: ServiceBusReceiver; messages: ServiceBusReceivedMessage[] }> {
  const receiver = client.createReceiver(queue, { skipParsingBodyAsJson: true, maxAutoLockRenewalDurationInMs: 0 })
  return { receiver, messages: await receiver.receiveMessages(count, { maxWaitTimeInMs: 2_000 }) }
}
