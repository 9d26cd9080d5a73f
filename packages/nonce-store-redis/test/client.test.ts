import { randomBytes } from 'node:crypto'
import { createQueueClient, type QueueClient, type RejectedMessage } from '@queue-runtime/core'
import { EncryptionKey, messageCrypto, multiKeyProvider } from '@queue-runtime/crypto'
import { type RedisNonceOptions, redisNonceStore } from '@queue-runtime/nonce-store-redis'
import { memoryBroker, memoryProvider } from '@queue-runtime/provider-memory'
import { startRedis } from '@queue-runtime/redis-server'
import { describe, expect, it } from 'vitest'
import { needsRedis } from './redis-here.ts'
import { until } from './support.ts'

needsRedis()

/** Clients of one queue, each with a connection of its own to Redis, as processes of their own have. */
const openClients = (count: number, options: RedisNonceOptions) => {
  const broker = memoryBroker({ lockMs: 10_000 })
  const keyProvider = multiKeyProvider({ keys: [EncryptionKey.fromBytes('orders-1', randomBytes(32))] })
  const rejected: RejectedMessage[] = []
  const opened = Array.from({ length: count }, () => {
    const nonceStore = redisNonceStore({ ...options, logger: false })
    const crypto = messageCrypto({ enabled: true, keyProvider, plaintextPolicy: 'reject', nonceStore })
    const client = createQueueClient({
      ...{ provider: memoryProvider({ broker }), queue: 'orders', crypto, logger: false },
      onRejected: (one) => rejected.push(one),
    })
    return { client, nonceStore }
  })
  return {
    queue: broker.queue('orders'),
    clients: opened.map(({ client }) => client) as [QueueClient, ...QueueClient[]],
    rejected,
    async [Symbol.asyncDispose]() {
      await Promise.all(opened.map(({ client }) => client.close()))
      await Promise.all(opened.map(({ nonceStore }) => nonceStore.close()))
    },
  }
}

describe('a client with its nonces in Redis', () => {
  it('hands over each message once, however often it is copied and to whom (A29, attacks 18 and 19)', async () => {
    await using server = await startRedis()
    await using house = openClients(3, { url: server.url })
    const { queue, clients, rejected } = house
    const [sender] = clients
    for (let number = 0; number < 30; number += 1) await sender.send({ body: String(number) })
    for (const message of queue.messages()) for (let copy = 0; copy < 3; copy += 1) queue.put(message)
    const handled: string[] = []
    const consumers = clients.map((client) =>
      client.consume(async (message) => void handled.push(message.text()), { concurrency: 5 }),
    )
    await until(() => queue.messages().length === 0)
    await Promise.all(consumers.map((consumer) => consumer.close()))
    expect(handled.sort()).toEqual(Array.from({ length: 30 }, (_, number) => String(number)).sort())
    expect(new Set(rejected.map(({ error }) => error.code))).toEqual(new Set(['NonceReused']))
    expect(queue.deadLetters()).toEqual([])
  }, 60_000)

  it('pauses while Redis is down, hands nothing over, and loses nothing (attack 24, NR3)', async () => {
    await using server = await startRedis()
    await using house = openClients(1, { url: server.url, timeoutMs: 300 })
    const { queue, clients } = house
    const [client] = clients
    const handled: string[] = []
    const consumer = client.consume(async (message) => void handled.push(message.text()), { concurrency: 2 })
    await client.send({ body: 'before' })
    await until(() => handled.length === 1 && queue.messages().length === 0)
    server.pause()
    for (const body of ['during 1', 'during 2', 'during 3']) await client.send({ body })
    await until(() => consumer.state === 'paused')
    expect(handled).toEqual(['before'])
    server.resume()
    await until(() => queue.messages().length === 0)
    expect(handled.sort()).toEqual(['before', 'during 1', 'during 2', 'during 3'])
    expect(queue.deadLetters()).toEqual([])
    await consumer.close()
  }, 60_000)
})
