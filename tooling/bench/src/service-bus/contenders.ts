import { randomUUID } from 'node:crypto'
import { ServiceBusClient } from '@azure/service-bus'
import { createQueueClient, type MessageProtection } from '@queue-runtime/core'
import { EncryptionKey, messageCrypto, multiKeyProvider } from '@queue-runtime/crypto'
import { azureProvider } from '@queue-runtime/provider-azure'

const QUEUE = 'orders'
/** Messages of one transfer, and of one receive. */
const BATCH = 100
/** Transfers under way at once. */
const AT_ONCE = 8

/** Sends, and receives and completes what was sent. */
export interface BusContender {
  readonly name: string
  send(bodies: readonly Uint8Array[]): Promise<void>
  receive(count: number): Promise<void>
  close(): Promise<void>
}

const chunks = <T>(all: readonly T[]): T[][] =>
  Array.from({ length: Math.ceil(all.length / BATCH) }, (_, index) => all.slice(index * BATCH, (index + 1) * BATCH))

/** Receives until all have come; nothing waits for what is being completed. */
const receiveAll = async <T>(
  count: number,
  receive: (most: number) => Promise<readonly T[]>,
  complete: (message: T) => Promise<void>,
): Promise<void> => {
  const completing: Promise<void>[] = []
  while (completing.length < count) {
    const messages = await receive(Math.min(BATCH, count - completing.length))
    if (messages.length === 0) throw new Error(`${count - completing.length} of ${count} messages are missing.`)
    completing.push(...messages.map(complete))
  }
  await Promise.all(completing)
}

/** The SDK as one would use it who knows it: batches, several under way, no renewal by the SDK, no waiting for completions. */
export function sdkByHand(connectionString: string): BusContender {
  const client = new ServiceBusClient(connectionString)
  const sender = client.createSender(QUEUE)
  const receiver = client.createReceiver(QUEUE, { maxAutoLockRenewalDurationInMs: 0, skipParsingBodyAsJson: true })
  return {
    name: 'SDK by hand',
    async send(bodies) {
      const rest = chunks(bodies).values()
      const lane = async (): Promise<void> => {
        for (const chunk of rest) await sender.sendMessages(chunk.map((body) => ({ body, messageId: randomUUID() })))
      }
      await Promise.all(Array.from({ length: AT_ONCE }, lane))
    },
    receive: (count) =>
      receiveAll(
        count,
        (most) => receiver.receiveMessages(most, { maxWaitTimeInMs: 10_000 }),
        (message) => receiver.completeMessage(message),
      ),
    close: () => client.close(),
  }
}

export function queueClient(name: string, connectionString: string, crypto?: MessageProtection): BusContender {
  const provider = azureProvider({ connectionString, logger: false })
  const client = createQueueClient({ provider, queue: QUEUE, crypto, logger: false })
  return {
    name,
    async send(bodies) {
      await client.sendBatch(bodies.map((body) => ({ body })))
    },
    receive: (count) =>
      receiveAll(
        count,
        async (most) => (await client.receiveBatch({ maxMessages: most, waitMs: 10_000 })).messages,
        (message) => message.complete(),
      ),
    close: () => client.close(),
  }
}

export const sealing = (): MessageProtection => {
  const key = EncryptionKey.fromBytes(
    'bench-1',
    Uint8Array.from({ length: 32 }, (_, index) => index),
  )
  return messageCrypto({ enabled: true, keyProvider: multiKeyProvider({ keys: [key] }), plaintextPolicy: 'reject' })
}
