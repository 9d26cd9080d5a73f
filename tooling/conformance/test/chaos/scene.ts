import { createQueueClient, type QueueClient, type QueueProvider } from '@queue-runtime/core'
import { fakeClock } from '@queue-runtime/core/testing'
import {
  cachedKeyProvider,
  EncryptionKey,
  memoryNonceStore,
  messageCrypto,
  multiKeyProvider,
  type NonceStore,
} from '@queue-runtime/crypto'
import { memoryBroker, memoryProvider } from '@queue-runtime/provider-memory'
import { createRandom, type Random } from '../random.ts'
import { envelopeOf, stormyKeys, stormyNonces, stormyProvider } from './parts.ts'
import { createWeather, type Process } from './weather.ts'

export interface ChaosOptions {
  readonly seed: number
  readonly messages: number
  /** Whether messages belong to sessions, which are to be handled in order. */
  readonly sessions: boolean
  /** Breaks a part on purpose, to see that the end is not always well. */
  readonly sabotage?: {
    readonly provider?: (provider: QueueProvider) => QueueProvider
    readonly nonceStore?: (store: NonceStore) => NonceStore
  }
}

export const LOCK_MS = 10_000
export const HOUR_MS = 3_600_000

/** Everything that one run shares. */
export function setTheScene({ seed, sessions, sabotage = {} }: ChaosOptions) {
  const random = createRandom(seed)
  const clock = fakeClock(Date.UTC(2026, 0, 1))
  const weather = createWeather(clock, random)
  const broker = memoryBroker({ clock, lockMs: LOCK_MS, sessionLockMs: 2 * LOCK_MS, maxDeliveryCount: 10 })
  const key = EncryptionKey.fromBytes('orders-1', createKeyBytes(random))
  const keys = multiKeyProvider({ keys: [key] })
  const sound = memoryNonceStore({ clock })
  const nonces = sabotage.nonceStore?.(sound) ?? sound
  const envelopes = new Map<string, string>()
  const confirmed = new Set<string>()

  const client = (by: Process): QueueClient => {
    const memory = memoryProvider({ broker })
    const provider = stormyProvider(sabotage.provider?.(memory) ?? memory, weather, by, ({ message }) =>
      envelopes.set(message.brokerMessageId, envelopeOf(message.body)),
    )
    const crypto = messageCrypto({
      enabled: true,
      keyProvider: cachedKeyProvider(stormyKeys(keys, weather, by), { clock, logger: false }),
      nonceStore: stormyNonces(nonces, weather, by, (envelope) => confirmed.add(envelope)),
      plaintextPolicy: 'reject',
      maxMessageAgeMs: 24 * HOUR_MS,
      nonceCacheTtlMs: 25 * HOUR_MS,
    })
    return createQueueClient({ provider, queue: 'orders', crypto, clock, logger: false, retry: { jitter: 0 } })
  }
  return { random, clock, weather, queue: broker.queue('orders'), client, envelopes, confirmed, sessions }
}

export type Scene = ReturnType<typeof setTheScene>

const createKeyBytes = (random: Random): Uint8Array => Uint8Array.from({ length: 32 }, () => random.below(256))
