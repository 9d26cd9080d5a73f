import type { QueueProvider } from '@queue-runtime/core'
import type { KeyProvider, NonceStore } from '@queue-runtime/crypto'
import { type Variables, wrong } from '../config/variables.ts'
import type { QueueName } from '../github/routes.ts'
import { KEY_PROVIDERS } from './key-providers.ts'
import { NONCE_STORES } from './nonce-stores.ts'
import type { KeyPlan, NoncePlan, QueuePlan, Surroundings } from './plan.ts'
import { QUEUE_PROVIDERS } from './queue-providers.ts'

/** Which backends were chosen, as the variables name them. */
export interface BackendNames {
  readonly queue: string
  readonly keys: string
  readonly nonces: string
}

/** Checked, and not yet opened. */
export interface BackendsConfig {
  readonly names: BackendNames
  readonly queue: QueuePlan
  readonly keys: KeyPlan
  readonly nonces: NoncePlan
}

/** What router and bots run on. Whoever opened them closes them, after the clients. */
export interface Backends {
  readonly names: BackendNames
  readonly provider: QueueProvider
  readonly nonceStore: NonceStore
  readonly maxBodyBytes: number
  /** Whether bots receive by session. */
  readonly sessions: boolean
  /** Resolves with the key store of a queue, for one more party. It is asked at every call: put a cache over it. */
  keyStore(queue: QueueName): Promise<KeyProvider>
  close(): Promise<void>
}

const chosen = <T>(
  table: Readonly<Record<string, T>>,
  name: 'QUEUE_PROVIDER' | 'KEY_PROVIDER' | 'NONCE_STORE',
  of: Variables,
): T => {
  const plan = table[of.get(name) ?? '']
  if (plan === undefined) throw wrong(name, `must be one of ${Object.keys(table).join(', ')}.`)
  return plan
}

/**
 * Checks what the variables say of queues, keys and nonces. Nothing is opened.
 *
 * @throws Configuration naming the variable
 */
export const readBackends = (variables: Variables): BackendsConfig => ({
  names: {
    queue: variables.get('QUEUE_PROVIDER') ?? '',
    keys: variables.get('KEY_PROVIDER') ?? '',
    nonces: variables.get('NONCE_STORE') ?? '',
  },
  queue: chosen(QUEUE_PROVIDERS, 'QUEUE_PROVIDER', variables)(variables),
  keys: chosen(KEY_PROVIDERS, 'KEY_PROVIDER', variables)(variables),
  nonces: chosen(NONCE_STORES, 'NONCE_STORE', variables)(variables),
})

/**
 * Opens what was configured, be it a local server or a cloud. Nothing connects yet.
 *
 * @throws Configuration: something that lives in one process alone was asked for, and is not there
 */
export async function openBackends(config: BackendsConfig, surroundings: Surroundings): Promise<Backends> {
  const { names, queue } = config
  const provider = await queue.open(surroundings)
  const nonces = await config.nonces.open(surroundings)
  return {
    ...{ names, provider, maxBodyBytes: queue.maxBodyBytes, sessions: queue.sessions },
    nonceStore: nonces.store,
    keyStore: (name) => config.keys.open(name, surroundings),
    close: () => nonces.close(),
  }
}
