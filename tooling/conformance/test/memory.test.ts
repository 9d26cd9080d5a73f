import { createQueueClient, type QueueClient, type QueueProvider } from '@queue-runtime/core'
import { fakeClock } from '@queue-runtime/core/testing'
import { EncryptionKey, messageCrypto, multiKeyProvider } from '@queue-runtime/crypto'
import { memoryBroker, memoryProvider } from '@queue-runtime/provider-memory'
import { describe, it } from 'vitest'
import { type Bench, type Case, clientCases, mutants } from '../src/index.ts'

const LOCK_MS = 30_000
const MAX_BYTES = 100_000

/** A fresh queue on a fresh broker; `mutate` breaks the provider on purpose. */
const memoryBench = (
  isSealed: boolean,
  mutate: (provider: QueueProvider) => QueueProvider = (sound) => sound,
): Bench => {
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

describe.each([
  ['plain', false],
  ['sealed', true],
])('the client on provider-memory, %s', (_, isSealed) => {
  it.each(clientCases)('$name ($requirement)', async ({ run }) => {
    const bench = memoryBench(isSealed)
    await run(bench)
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
