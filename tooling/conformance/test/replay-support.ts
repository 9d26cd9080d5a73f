import {
  createQueueClient,
  type QueueClient,
  type QueueProvider,
  type ReceivedMessage,
  type RejectedMessage,
} from '@queue-runtime/core'
import { type FakeClock, fakeClock } from '@queue-runtime/core/testing'
import {
  EncryptionKey,
  type MessageCryptoOptions,
  memoryNonceStore,
  messageCrypto,
  multiKeyProvider,
  type NonceStore,
} from '@queue-runtime/crypto'
import { type BrokerQueue, memoryBroker, memoryProvider, type RawMessage } from '@queue-runtime/provider-memory'

export const minutes = (count: number): number => count * 60_000

export const LOCK_MS = 30_000

const keyBytes = Uint8Array.from({ length: 32 }, (_, index) => index)
const keyProvider = multiKeyProvider({ keys: [EncryptionKey.fromBytes('orders-1', keyBytes)] })

export interface Scene {
  readonly clock: FakeClock
  readonly nonceStore: NonceStore
  /** The queue as whoever has full access to the broker sees it. */
  readonly queue: BrokerQueue
  /** What the clients refused, in order. */
  readonly rejected: RejectedMessage[]
  /** Another consumer; `wrap` breaks its connection to the broker. */
  client(options?: MessageCryptoOptions, wrap?: (provider: QueueProvider) => QueueProvider): QueueClient
  /** What refusing came to: error, state of a reused nonce, disposition. */
  refusals(): string[]
}

/** One queue, one clock, one nonce store, and as many consumers as are asked for. */
export function setScene(common: MessageCryptoOptions = {}): Scene {
  const clock = fakeClock(Date.UTC(2026, 0, 1))
  const broker = memoryBroker({ clock, lockMs: LOCK_MS, maxDeliveryCount: 10 })
  const nonceStore = memoryNonceStore({ clock })
  const rejected: RejectedMessage[] = []
  return {
    clock,
    nonceStore,
    queue: broker.queue('orders'),
    rejected,
    client(options = {}, wrap = (provider) => provider) {
      const defaults: MessageCryptoOptions = { enabled: true, keyProvider, plaintextPolicy: 'reject', nonceStore }
      return createQueueClient({
        provider: wrap(memoryProvider({ broker })),
        queue: 'orders',
        crypto: messageCrypto({ ...defaults, ...common, ...options }),
        onRejected: (message) => void rejected.push(message),
        clock,
        logger: false,
      })
    },
    refusals: () =>
      rejected.map(({ error, disposition }) => {
        const state = error.facts !== undefined && 'state' in error.facts ? ` ${error.facts.state}` : ''
        const reason = disposition.action === 'dead-letter' ? ` ${disposition.reason}` : ''
        return `${error.code}${state}: ${disposition.action}${reason}`
      }),
  }
}

/** The message that is at hand, which must be there. */
export async function take(client: QueueClient): Promise<ReceivedMessage> {
  const message = await client.receive({ waitMs: 0 })
  if (message === null) throw new Error('There is no message.')
  return message
}

/** The body of what is at hand, or null. */
export const glance = async (client: QueueClient): Promise<string | null> =>
  (await client.receive({ waitMs: 0 }))?.text() ?? null

/** A copy of the only message that is stored. */
export function copyOf(queue: BrokerQueue): RawMessage {
  const [message, ...others] = queue.messages()
  if (message === undefined || others.length > 0) throw new Error('There is not one message.')
  const { messageId, body, attributes } = message
  return { messageId, body, attributes }
}
