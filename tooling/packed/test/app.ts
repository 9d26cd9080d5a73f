/**
 * A strict program of a user. It is checked against the packed types, under the newest TypeScript and the oldest one promised, and must
 * be refused where it says so.
 */
import { createQueueClient, isQueueError, type MessageHandler, type QueueClient } from '@queue-runtime/core'
import type { QueueProvider } from '@queue-runtime/core/provider'
import { fakeClock, testMessage } from '@queue-runtime/core/testing'
import { EncryptionKey, type KeyProvider, messageCrypto, multiKeyProvider } from '@queue-runtime/crypto'
import { memoryProvider } from '@queue-runtime/provider-memory'

const keyProvider: KeyProvider = multiKeyProvider({ keys: [EncryptionKey.fromBytes('orders', new Uint8Array(32))] })
const provider: QueueProvider = memoryProvider()

const handler: MessageHandler = async (message, { signal }) => {
  signal.throwIfAborted()
  const { order } = message.json<{ order: number }>()
  // @ts-expect-error a message may have come unsealed
  message.seal.keyId
  return order + (message.seal?.keyId.length ?? 0)
}

export async function main(): Promise<QueueClient> {
  const client = createQueueClient({
    provider,
    queue: 'orders',
    crypto: messageCrypto({ enabled: true, keyProvider, plaintextPolicy: 'reject', maxMessageAgeMs: undefined }),
    clock: fakeClock(),
  })
  await client.send({ json: { order: 7 } })
  await client.sendBatch([{ body: 'text' }, { body: new Uint8Array(3), sessionId: 'one' }])
  // @ts-expect-error a message has a body
  await client.send({ messageId: 'empty' })
  // @ts-expect-error a message has one body
  await client.send({ body: 'text', json: {} })
  // @ts-expect-error policies are spelled as documented
  messageCrypto({ keyProvider, plaintextPolicy: 'refuse' })
  const message = testMessage({ json: { order: 7 }, seal: {} })
  await handler(message, { signal: AbortSignal.timeout(1_000) })
  // @ts-expect-error a message that nobody settled has no outcome
  message.outcome.action
  const { failed } = await client.deadLetters().redrive({ filter: ({ reason }) => reason !== 'qr.rejected' })
  for (const { error } of failed) if (isQueueError(error, 'KeyNotFound')) lookFor(error.facts.keyId, client)
  const transport = provider.open('orders')
  const wire = { messageId: 'one', deduplicationId: 'one', body: new Uint8Array(3) }
  // @ts-expect-error a transport takes only what went through protection
  await transport.send([wire], { signal: AbortSignal.timeout(1000) })
  try {
    await client.consume(handler, { concurrency: 4 }).finished
  } catch (error) {
    if (isQueueError(error, 'KeyNotFound')) return lookFor(error.facts.keyId, client)
    throw error
  }
  return client
}

function lookFor(keyId: string, client: QueueClient): QueueClient {
  // @ts-expect-error the queue is fixed when the client is made
  client.queue = keyId
  return client
}
