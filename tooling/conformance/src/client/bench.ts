import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import {
  createQueueClient,
  type MessageProtection,
  type OutgoingMessage,
  type QueueClient,
  type QueueClientOptions,
} from '@queue-runtime/core'
import type { Delivery, QueueProvider, QueueTransport } from '@queue-runtime/core/provider'
import type { KeyProvider } from '@queue-runtime/crypto'
import type { ProviderSetup } from '../provider/bench.ts'
import { watched } from './watched.ts'

/** A provider, and the protection that its clients have. */
export interface ClientSetup extends ProviderSetup {
  /**
   * A protection that seals, and refuses plaintext; `change` may put something between it and its keys. Undefined: the clients
   * have none.
   */
  readonly protect: ((change?: (keys: KeyProvider) => KeyProvider) => MessageProtection) | undefined
}

interface ClientChanges extends Partial<Pick<QueueClientOptions, 'maxDeliveries' | 'onRejected' | 'retry'>> {
  /** Puts something between the client and the broker. */
  readonly through?: (transport: QueueTransport) => QueueTransport
}

export interface ClientBench extends ClientSetup {
  /**
   * Another client of `queue`, closed after the case. Where the queue requires session ids, each message that is sent without
   * one gets one of its own.
   */
  client(changes?: ClientChanges): QueueClient
  /** A client of the same queue without any protection. */
  plainClient(): QueueClient
  /** A client whose key store can be made to fail; where there is no protection, nothing does. */
  storeClient(): { readonly client: QueueClient; cut(): void; heal(): void }
  /** A client of the queue on which sessions are accepted. */
  sessionClient(): QueueClient
  /** A client of the queue that does not exist. */
  missingClient(): QueueClient
  /** What the broker hands out to anybody who asks. */
  look(): Promise<Delivery[]>
  /** True where the clients seal and refuse plaintext. */
  readonly isSealed: boolean
  /** What messages have in common whose order is kept. */
  readonly line: { readonly sessionId?: string }
}

/** Gives every message that has no session one of its own. */
const withSessions = (client: QueueClient): QueueClient => {
  const inSession = (message: OutgoingMessage): OutgoingMessage => ({ sessionId: randomUUID(), ...message })
  return {
    ...client,
    send: (message, options) => client.send(inSession(message), options),
    sendBatch: (messages, options) => client.sendBatch(messages.map(inSession), options),
  }
}

const throughTransport = (provider: QueueProvider, change: ClientChanges['through']): QueueProvider =>
  change === undefined ? provider : { name: provider.name, open: (queue) => change(provider.open(queue)) }

/** Keys of a store that fails while it is told to. */
const cuttable = (): { change: (keys: KeyProvider) => KeyProvider; cut(): void; heal(): void } => {
  let isCut = false
  const orFail = async <T>(call: () => Promise<T>): Promise<T> => {
    if (isCut) throw new Error('The key store is cut off.')
    return call()
  }
  return {
    change: (keys) => ({
      getKey: (keyId, options) => orFail(() => keys.getKey(keyId, options)),
      currentKeyId: (options) => orFail(() => keys.currentKeyId(options)),
    }),
    cut() {
      isCut = true
    },
    heal() {
      isCut = false
    },
  }
}

export function clientBench(setup: ClientSetup): ClientBench {
  const { queue, sessionQueue = queue, missingQueue = queue, time, protect } = setup
  const notes: string[] = []
  const provider = watched(setup.provider, (what) => void notes.push(what))
  const clients: QueueClient[] = []
  const transport = setup.provider.open(queue)
  const { sessionIds } = transport.features
  const crypto = protect?.()

  const open = (options: Partial<QueueClientOptions>): QueueClient => {
    const client = createQueueClient({ provider, queue, clock: time.clock, logger: false, ...options })
    clients.push(client)
    return client
  }
  const openLoose = (options: Partial<QueueClientOptions>): QueueClient =>
    sessionIds === 'required' ? withSessions(open(options)) : open(options)

  return {
    ...setup,
    isSealed: crypto !== undefined,
    line: sessionIds === 'none' ? {} : { sessionId: 'line' },
    client: ({ through, ...options } = {}) =>
      openLoose({ ...options, crypto, provider: throughTransport(provider, through) }),
    plainClient: () => openLoose({}),
    storeClient() {
      const { change, cut, heal } = cuttable()
      return { client: openLoose({ crypto: protect?.(change) }), cut, heal }
    },
    sessionClient: () => open({ queue: sessionQueue, crypto }),
    missingClient: () => openLoose({ queue: missingQueue, crypto }),
    look: () => transport.receive({ maxMessages: 10, waitMs: 10 * time.lookMs, signal: new AbortController().signal }),
    async close() {
      await Promise.all([...clients, transport].map((one) => one.close()))
      assert.deepEqual(notes, [])
    },
  }
}
