import {
  createQueueClient,
  type QueueClient,
  type QueueClientOptions,
  type QueueProvider,
  type ReceivedMessage,
} from '@queue-runtime/core'
import { type FakeClock, fakeClock } from '@queue-runtime/core/testing'
import {
  EncryptionKey,
  type KeyProvider,
  type MessageCryptoOptions,
  messageCrypto,
  multiKeyProvider,
} from '@queue-runtime/crypto'
import {
  type BrokerQueue,
  type Fault,
  type FaultHook,
  type MemoryBrokerOptions,
  memoryBroker,
  memoryProvider,
} from '@queue-runtime/provider-memory'

export const LOCK_MS = 30_000
export const minutes = (count: number): number => count * 60_000

const keyOf = (id: string, seed: number): EncryptionKey =>
  EncryptionKey.fromBytes(
    id,
    Uint8Array.from({ length: 32 }, (_, index) => index + seed),
  )

interface Line {
  readonly level: string
  readonly text: string
  readonly fields: Record<string, unknown>
}

/** A queue with a sealed client, whose broker, key store and time do as they are told. */
export interface Desk {
  readonly clock: FakeClock
  readonly client: QueueClient
  readonly provider: QueueProvider
  readonly stored: BrokerQueue
  readonly keys: ReturnType<typeof multiKeyProvider>
  readonly lines: Line[]
  /** Throws in place of every look into the key store. */
  keysFail: Error | undefined
  /** Replaces what goes wrong at the broker from now on. */
  faults: FaultHook
  another(crypto?: Partial<MessageCryptoOptions>, options?: Partial<QueueClientOptions>): QueueClient
  /** Sends messages with these ids and makes them letters. */
  bury(...ids: readonly string[]): Promise<void>
  next(client?: QueueClient): Promise<ReceivedMessage>
  /** The message ids of the letters that lie there. */
  letters(): string[]
}

export function setUpDesk(
  crypto: Partial<MessageCryptoOptions> = {},
  brokerOptions: Omit<MemoryBrokerOptions, 'clock' | 'faults'> = {},
): Desk {
  const clock = fakeClock(Date.UTC(2026, 0, 1))
  const keys = multiKeyProvider({ keys: [keyOf('key-1', 0)] })
  const lines: Line[] = []
  const write = (level: string) => (fields: Record<string, unknown>, text: string) =>
    void lines.push({ level, text, fields })
  const logger = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
  const faults: FaultHook = (call): Fault | undefined => desk.faults(call)
  const broker = memoryBroker({ clock, lockMs: LOCK_MS, maxDeliveryCount: 10, faults, ...brokerOptions })
  const keyProvider: KeyProvider = {
    async getKey(id) {
      if (desk.keysFail !== undefined) throw desk.keysFail
      return keys.getKey(id)
    },
    async currentKeyId() {
      if (desk.keysFail !== undefined) throw desk.keysFail
      return keys.currentKeyId()
    },
  }
  const provider = memoryProvider({ broker })
  const another: Desk['another'] = (more = {}, options = {}) =>
    createQueueClient({
      provider,
      queue: 'orders',
      crypto: messageCrypto({ enabled: true, keyProvider, plaintextPolicy: 'reject', ...crypto, ...more }),
      ...{ clock, logger, retry: { jitter: 0 } },
      ...options,
    })
  const client = another()
  const next: Desk['next'] = async (from = client) => {
    const message = await from.receive({ waitMs: 0 })
    if (message === null) throw new Error('There is no message.')
    return message
  }
  const desk: Desk = {
    ...{ clock, client, provider, stored: broker.queue('orders'), keys, lines, another, next },
    keysFail: undefined,
    faults: () => undefined,
    async bury(...ids) {
      for (const messageId of ids) {
        await client.send({ messageId, body: `body of ${messageId}` })
        await (await next()).deadLetter({ reason: `because.${messageId}` })
      }
    },
    letters: () => desk.stored.deadLetters().map(({ messageId }) => messageId),
  }
  return desk
}

/** Another key, which seals from now on. */
export const rotate = (desk: Desk): void => {
  desk.keys.add(keyOf('key-2', 50))
  desk.keys.setCurrent('key-2')
}
