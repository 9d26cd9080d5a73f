import { createQueueClient } from '@queue-runtime/core'
import { cachedKeyProvider, memoryNonceStore, messageCrypto } from '@queue-runtime/crypto'
import { redisNonceStore } from '@queue-runtime/nonce-store-redis'
import { memoryProvider } from '@queue-runtime/provider-memory'

/** The parts of the library that are attacked. A broken one can be put in the place of each. */
export interface Library {
  readonly createQueueClient: typeof createQueueClient
  readonly messageCrypto: typeof messageCrypto
  readonly memoryNonceStore: typeof memoryNonceStore
  readonly redisNonceStore: typeof redisNonceStore
  readonly cachedKeyProvider: typeof cachedKeyProvider
  readonly memoryProvider: typeof memoryProvider
}

export const library: Library = {
  createQueueClient,
  messageCrypto,
  memoryNonceStore,
  redisNonceStore,
  cachedKeyProvider,
  memoryProvider,
}
