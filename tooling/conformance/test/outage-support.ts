import {
  createQueueClient,
  type MessageProtection,
  type QueueClient,
  type QueueClientOptions,
  type QueueProvider,
} from '@queue-runtime/core'
import type { QueueTransport, TransportReceiver } from '@queue-runtime/core/provider'
import { type FakeClock, fakeClock } from '@queue-runtime/core/testing'
import {
  EncryptionKey,
  type KeyProvider,
  type MessageCryptoOptions,
  memoryNonceStore,
  messageCrypto,
  multiKeyProvider,
  type NonceStore,
} from '@queue-runtime/crypto'
import { type BrokerQueue, memoryBroker, memoryProvider } from '@queue-runtime/provider-memory'

const LOCK_MS = 30_000

export const minutes = (count: number): number => count * 60_000

interface Line {
  readonly level: string
  readonly text: string
  readonly fields: Record<string, unknown>
}

/** What can fail, and how often it was asked. */
interface Switch {
  /** `after the effect`: it does what it is asked, and the answer is lost. */
  isDown: boolean | 'after the effect'
  calls: number
}

const throughSwitch = async <T>(part: Switch, call: () => Promise<T>): Promise<T> => {
  part.calls += 1
  if (part.isDown === true) throw new Error('password=hunter2')
  const answer = await call()
  if (part.isDown) throw new Error('password=hunter2')
  return answer
}

/** A queue with messages of ours, and switches for all that may fail around it. */
export interface OutageScene {
  /** It tells how many sleeps are under way. */
  readonly clock: FakeClock & { readonly sleepers: number }
  readonly queue: BrokerQueue
  readonly lines: Line[]
  readonly keyStore: Switch
  readonly nonces: Switch
  readonly crypto: (options?: MessageCryptoOptions) => MessageProtection
  readonly client: (options?: Partial<QueueClientOptions>) => QueueClient
  readonly provider: QueueProvider
  /** Sends messages that a client can open. */
  fill(count: number): Promise<string[]>
  /** The state and deliveries of all that is in the queue, in order. */
  stored(): [state: string, deliveryCount: number][]
}

const watchedClock = (): OutageScene['clock'] => {
  const clock = fakeClock(Date.UTC(2026, 0, 1))
  let sleepers = 0
  return {
    ...clock,
    get sleepers() {
      return sleepers
    },
    async sleep(ms, signal) {
      sleepers += 1
      try {
        await clock.sleep(ms, signal)
      } finally {
        sleepers -= 1
      }
    },
  }
}

export function setScene(common: MessageCryptoOptions = {}, maxDeliveryCount = 100): OutageScene {
  const clock = watchedClock()
  const broker = memoryBroker({ clock, lockMs: LOCK_MS, maxDeliveryCount })
  const keys = multiKeyProvider({ keys: [EncryptionKey.fromBytes('k', new Uint8Array(32).fill(7, 1))] })
  const store = memoryNonceStore({ clock })
  const keyStore: Switch = { isDown: false, calls: 0 }
  const nonces: Switch = { isDown: false, calls: 0 }
  const lines: Line[] = []
  const write = (level: string) => (fields: Record<string, unknown>, text: string) =>
    void lines.push({ level, text, fields })
  const logger = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
  const keyProvider: KeyProvider = {
    getKey: (id) => throughSwitch(keyStore, () => keys.getKey(id)),
    currentKeyId: () => keys.currentKeyId(),
  }
  const nonceStore: NonceStore = {
    claim: (requests) => throughSwitch(nonces, () => store.claim(requests)),
    renew: (id, leaseMs) => throughSwitch(nonces, () => store.renew(id, leaseMs)),
    confirm: (id, retainMs) => throughSwitch(nonces, () => store.confirm(id, retainMs)),
    release: (id, retainMs) => throughSwitch(nonces, () => store.release(id, retainMs)),
  }
  const crypto = (options: MessageCryptoOptions = {}): MessageProtection =>
    messageCrypto({
      ...{ enabled: true, keyProvider, nonceStore, plaintextPolicy: 'reject' },
      ...{ maxMessageAgeMs: minutes(60 * 24), nonceCacheTtlMs: minutes(60 * 25) },
      ...common,
      ...options,
    })
  const provider = memoryProvider({ broker })
  const queue = broker.queue('orders')
  const client = (options: Partial<QueueClientOptions> = {}): QueueClient =>
    createQueueClient({ provider, queue: 'orders', clock, logger, crypto: crypto(), retry: { jitter: 0 }, ...options })
  return {
    ...{ clock, queue, lines, keyStore, nonces, crypto, client, provider },
    async fill(count) {
      const sender = client({ crypto: crypto({ keyProvider: keys }) })
      const bodies = Array.from({ length: count }, (_, index) => `message ${index}`)
      await sender.sendBatch(bodies.map((body) => ({ body })))
      await sender.close()
      return bodies
    },
    stored: () => queue.messages().map(({ state, deliveryCount }) => [state, deliveryCount]),
  }
}

/** A provider whose transports differ from sound ones in what `change` returns. */
export const changed = (
  provider: QueueProvider,
  change: (transport: QueueTransport) => Partial<QueueTransport>,
): QueueProvider => ({
  name: provider.name,
  open(queue) {
    const transport = provider.open(queue)
    return { ...transport, ...change(transport) }
  },
})

/** A provider that tells of each call of `receive`. */
export const watched = (
  provider: QueueProvider,
  onReceive: (options: Parameters<TransportReceiver['receive']>[0]) => void,
): QueueProvider =>
  changed(provider, ({ receive }) => ({
    receive(options) {
      onReceive(options)
      return receive(options)
    },
  }))
