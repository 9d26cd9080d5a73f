import { createQueueClient, type QueueClient, type QueueProvider } from '@queue-runtime/core'
import { fakeClock } from '@queue-runtime/core/testing'
import { EncryptionKey, messageCrypto, multiKeyProvider } from '@queue-runtime/crypto'
import { memoryBroker, memoryProvider } from '@queue-runtime/provider-memory'
import { describe, it } from 'vitest'
import { type Bench, type Case, clientCases, mutants } from '../src/index.ts'

const LOCK_MS = 30_000
const MAX_BYTES = 100_000

/** A fresh queue on a fresh broker; `mutate` breaks the provider on purpose. */
const memoryBench = (isSealed: boolean, mutate: (provider: QueueProvider) => QueueProvider): Bench => {
  const clock = fakeClock(Date.UTC(2026, 0, 1))
  const broker = memoryBroker({ clock, lockMs: LOCK_MS, maxDeliveryCount: 10, maxMessageBytes: MAX_BYTES })
  const provider = mutate(memoryProvider({ broker }))
  const bytes = Uint8Array.from({ length: 32 }, (_, index) => index)
  const keyProvider = multiKeyProvider({ keys: [EncryptionKey.fromBytes('orders-1', bytes)] })
  const crypto = isSealed ? messageCrypto({ enabled: true, keyProvider, plaintextPolicy: 'reject' }) : undefined
  const clients: QueueClient[] = []
  const open = (options: Partial<Parameters<typeof createQueueClient>[0]>): QueueClient => {
    const client = createQueueClient({ provider, queue: 'orders', clock, logger: false, ...options })
    clients.push(client)
    return client
  }
  return {
    client: (options) => open({ ...options, crypto }),
    plainClient: () => open({}),
    advance: (ms) => clock.advance(ms),
    lockMs: LOCK_MS,
    maxMessageBytes: MAX_BYTES,
    isSealed,
    async close() {
      await Promise.all(clients.map((client) => client.close()))
    },
  }
}

const sound = (provider: QueueProvider): QueueProvider => provider

/** The same broker as one that knows no delayed abandon, such as Service Bus: asking for one is an error of core's. */
const withoutAbandonDelay = (provider: QueueProvider): QueueProvider => ({
  name: provider.name,
  open(queue) {
    const transport = provider.open(queue)
    return {
      ...transport,
      features: { ...transport.features, abandonDelay: false },
      async receive(options) {
        const deliveries = await transport.receive(options)
        return deliveries.map((delivery) => ({
          ...delivery,
          async abandon({ delayMs }) {
            if (delayMs !== 0) throw new Error('this broker cannot delay')
            await delivery.abandon({ delayMs })
          },
        }))
      },
    }
  },
})

describe.each([
  ['plain', false, sound],
  ['sealed', true, sound],
  ['sealed, without delayed abandon', true, withoutAbandonDelay],
] as const)('the client on provider-memory, %s', (_, isSealed, mutate) => {
  it.each(clientCases)('$name ($requirement)', async ({ run }) => {
    const bench = memoryBench(isSealed, mutate)
    await run(bench)
    await bench.close()
  })
})

describe('a client whose broker knows no delayed abandon', () => {
  it('gives a message that it keeps for a delay back as soon as it closes (C8)', async ({ expect }) => {
    const bench = memoryBench(true, withoutAbandonDelay)
    const client = bench.client()
    await client.send({ body: 'hello' })
    await (await client.receive({ waitMs: 0 }))?.abandon({ delayMs: 60_000 })
    await client.close()
    const again = await bench.client().receive({ waitMs: 0 })
    expect(again?.deliveryCount).toBe(2)
    await bench.close()
  })
})

describe('an abandon with a delay after the lock ended', () => {
  it('says so, on a broker that knows no delay too (C7)', async ({ expect }) => {
    const bench = memoryBench(true, withoutAbandonDelay)
    const client = bench.client()
    await client.send({ body: 'hello' })
    const message = await client.receive({ waitMs: 0 })
    await bench.advance(LOCK_MS + 1)
    await expect(message?.abandon({ delayMs: 5_000 })).rejects.toMatchObject({ code: 'MessageLockLost' })
    await bench.close()
  })
})

/** A broken provider may also hang a case: that is caught too. */
const fails = async (aCase: Case, bench: Bench): Promise<boolean> => {
  const hung = Promise.withResolvers<boolean>()
  const timer = setTimeout(hung.resolve, 1_000, true)
  const failed = aCase.run(bench).then(
    () => false,
    () => true,
  )
  const result = await Promise.race([failed, hung.promise])
  clearTimeout(timer)
  bench.close().catch(() => {})
  return result
}

describe.concurrent('the kit catches', () => {
  it.for(clientCases)('a provider that $catches, in: $name', async (aCase, { expect }) => {
    const mutate = mutants[aCase.catches]
    const caught = await Promise.all([false, true].map((isSealed) => fails(aCase, memoryBench(isSealed, mutate))))
    expect(caught).toContain(true)
  })

  it('every mutant that it has', ({ expect }) => {
    expect(Object.keys(mutants).filter((name) => !clientCases.some(({ catches }) => catches === name))).toEqual([])
  })
})
