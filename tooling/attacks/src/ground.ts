import type { MessageProtection, QueueClient, QueueClientOptions } from '@queue-runtime/core'
import { type FakeClock, fakeClock } from '@queue-runtime/core/testing'
import type { MessageCryptoOptions } from '@queue-runtime/crypto'
import { type BrokerQueue, memoryBroker } from '@queue-runtime/provider-memory'
import { bothKeys } from './keys.ts'
import type { Library } from './library.ts'
import { type LogLine, recordedLines } from './outputs.ts'

export const NOW: number = Date.UTC(2026, 0, 1)
export const LOCK_MS = 30_000

/** The queue that is attacked, unless another one is named. */
export const QUEUE = 'orders'

/** What an attack works with: a broker of its own, open to the attacker, a clock that it moves, and clients as users make them. */
export interface Ground {
  readonly library: Library
  readonly clock: FakeClock
  /** What the clients logged. */
  readonly lines: readonly LogLine[]
  /** Full access to a queue: read, edit, put, remove. */
  queue(name?: string): BrokerQueue
  /** Returns a protection that seals and refuses plaintext, unless `options` say otherwise. */
  crypto(options?: MessageCryptoOptions): MessageProtection
  /** Returns a client with such a protection. */
  client(options?: MessageCryptoOptions, other?: Partial<QueueClientOptions>): QueueClient
  /** Returns a client without any protection: that of an attacker, or of a program that never heard of one. */
  plainClient(): QueueClient
  close(): Promise<void>
}

/** More deliveries than any disposition needs, so that the library decides, and not the broker. */
const MAX_DELIVERIES = 10

export function createGround(library: Library): Ground {
  const clock = fakeClock(NOW)
  const broker = memoryBroker({ clock, lockMs: LOCK_MS, maxDeliveryCount: MAX_DELIVERIES })
  const provider = library.memoryProvider({ broker })
  const keyProvider = bothKeys()
  const { logger, lines } = recordedLines()
  const clients: QueueClient[] = []

  const open = (options: Partial<QueueClientOptions>): QueueClient => {
    const client = library.createQueueClient({ provider, queue: QUEUE, clock, logger, ...options })
    clients.push(client)
    return client
  }
  const crypto: Ground['crypto'] = (options) =>
    library.messageCrypto({ enabled: true, keyProvider, plaintextPolicy: 'reject', ...options })

  return {
    library,
    clock,
    lines,
    queue: (name = QUEUE) => broker.queue(name),
    crypto,
    client: (options, other) => open({ crypto: crypto(options), ...other }),
    plainClient: () => open({}),
    async close() {
      await Promise.all(clients.map((client) => client.close()))
    },
  }
}
