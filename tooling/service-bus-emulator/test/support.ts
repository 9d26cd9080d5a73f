import {
  isServiceBusError,
  ServiceBusClient,
  type ServiceBusClientOptions,
  type ServiceBusMessage,
  type ServiceBusReceivedMessage,
  type ServiceBusReceiver,
  type ServiceBusReceiverOptions,
} from '@azure/service-bus'
import { onTestFinished } from 'vitest'
import { type EmulatorOptions, type ServiceBusEmulator, startServiceBusEmulator } from '../src/index.ts'

export const START: number = Date.UTC(2026, 0, 1)

/** No retries and short waits: what fails in a test fails at once. */
export const IMPATIENT: ServiceBusClientOptions = {
  retryOptions: { maxRetries: 0, timeoutInMs: 5_000, retryDelayInMs: 10 },
}

/** An emulator that ends with the test. */
export async function emulate(options: EmulatorOptions): Promise<ServiceBusEmulator> {
  const emulator = await startServiceBusEmulator(options)
  onTestFinished(() => emulator.close())
  return emulator
}

/** A client that ends with the test. */
export function connect(emulator: ServiceBusEmulator, options: ServiceBusClientOptions = IMPATIENT): ServiceBusClient {
  const client = new ServiceBusClient(emulator.connectionString, options)
  onTestFinished(() => client.close())
  return client
}

const PLAIN: ServiceBusReceiverOptions = { skipParsingBodyAsJson: true, maxAutoLockRenewalDurationInMs: 0 }

export const listen = (
  client: ServiceBusClient,
  queue: string,
  options: ServiceBusReceiverOptions = {},
): ServiceBusReceiver => client.createReceiver(queue, { ...PLAIN, ...options } as { receiveMode: 'peekLock' })

export const deadLettersOf = (client: ServiceBusClient, queue: string): ServiceBusReceiver =>
  listen(client, queue, { subQueueType: 'deadLetter' })

let sent = 0

/** A message with a body of bytes and an id of its own. */
export const message = (body: string, fields: Partial<ServiceBusMessage> = {}): ServiceBusMessage => {
  sent += 1
  return { messageId: `message-${sent}`, ...fields, body: Buffer.from(body) }
}

export async function send(client: ServiceBusClient, queue: string, ...messages: ServiceBusMessage[]): Promise<void> {
  const sender = client.createSender(queue)
  for (const each of messages) await sender.sendMessages(each)
  await sender.close()
}

/** Receives so many messages, which must be there. */
export async function take(receiver: ServiceBusReceiver, count: number): Promise<ServiceBusReceivedMessage[]> {
  const messages = await receiver.receiveMessages(count, { maxWaitTimeInMs: 2_000 })
  if (messages.length !== count) throw new Error(`There are ${messages.length} messages, not ${count}.`)
  return messages
}

/** Receives one message, which must be there. */
export async function takeOne(receiver: ServiceBusReceiver): Promise<ServiceBusReceivedMessage> {
  const [first] = await take(receiver, 1)
  if (first === undefined) throw new Error('There is no message.')
  return first
}

/** Takes a message back that was laid aside, which must be there. */
export async function takeDeferred(
  receiver: ServiceBusReceiver,
  { sequenceNumber }: ServiceBusReceivedMessage,
): Promise<ServiceBusReceivedMessage> {
  if (sequenceNumber === undefined) throw new Error('The message has no sequence number.')
  const [deferred] = await receiver.receiveDeferredMessages(sequenceNumber)
  if (deferred === undefined) throw new Error('There is no such message.')
  return deferred
}

/** What is there at once, of one message. */
export const look = (receiver: ServiceBusReceiver): Promise<ServiceBusReceivedMessage[]> =>
  receiver.receiveMessages(1, { maxWaitTimeInMs: 100 })

export const bodyOf = ({ body }: { readonly body?: unknown }): string => String(Buffer.from(body as Uint8Array))
export const bodiesOf = (messages: readonly { readonly body?: unknown }[]): string[] => messages.map(bodyOf)

/** The code of what a call rejects with, or `done`. After several attempts the SDK wraps its errors. */
export const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'done',
    (error: unknown) => {
      const [last] = error instanceof AggregateError ? error.errors.slice(-1) : [error]
      return isServiceBusError(last) ? last.code : String(last)
    },
  )

/** Runs as often as needed until `holds`; the test's own limit ends it otherwise. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5))
}
