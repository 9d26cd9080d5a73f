import type { Clock, Logger, QueueProvider } from '@queue-runtime/core'
import type { KeyProvider, NonceStore } from '@queue-runtime/crypto'
import type { QueueName } from '../github/routes.ts'

/** What lives in this process and cannot be reached by variables: there in demo mode, where it is the default. */
export interface Embedded {
  readonly queues?: QueueProvider
  readonly keys?: (queue: QueueName) => KeyProvider
}

/** What all backends share. */
export interface Surroundings {
  readonly clock: Clock
  readonly logger: Logger
  readonly embedded: Embedded
}

/** How a queue provider is opened, and what is to be known of it. */
export interface QueuePlan {
  /** The longest body that is worth reading, in bytes: the provider itself measures what it sends. */
  readonly maxBodyBytes: number
  /** Whether bots receive by session. */
  readonly sessions: boolean
  open(surroundings: Surroundings): Promise<QueueProvider>
}

/** How the key store of one queue is opened: asked at every call, nothing is kept. */
export interface KeyPlan {
  open(queue: QueueName, surroundings: Surroundings): Promise<KeyProvider>
}

interface OpenNonceStore {
  readonly store: NonceStore
  close(): Promise<void>
}

export interface NoncePlan {
  open(surroundings: Surroundings): Promise<OpenNonceStore>
}
