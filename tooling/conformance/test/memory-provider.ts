import type { QueueProvider } from '@queue-runtime/core'
import type { QueueTransport } from '@queue-runtime/core/provider'
import { fakeClock } from '@queue-runtime/core/testing'
import { memoryBroker, memoryProvider } from '@queue-runtime/provider-memory'
import { injectedTime, type ProviderFeature, type ProviderSetup, type Subject } from '../src/index.ts'

const LOCK_MS = 30_000
const SESSION_LOCK_MS = 60_000
const MAX_BYTES = 100_000
const MAX_DELIVERIES = 10

const setUp = (): ProviderSetup => {
  const clock = fakeClock(Date.UTC(2026, 0, 1))
  const broker = memoryBroker({
    clock,
    lockMs: LOCK_MS,
    sessionLockMs: SESSION_LOCK_MS,
    maxDeliveryCount: MAX_DELIVERIES,
    maxMessageBytes: MAX_BYTES,
    autoCreateQueues: false,
    queues: ['orders'],
    deduplicationWindowMs: 600_000,
  })
  return {
    provider: memoryProvider({ broker }),
    queue: 'orders',
    missingQueue: 'nowhere',
    time: injectedTime(clock),
    lockMs: LOCK_MS,
    sessionLockMs: SESSION_LOCK_MS,
    maxMessageBytes: MAX_BYTES,
    maxDeliveryCount: MAX_DELIVERIES,
    close: async () => {},
  }
}

export const memory: Subject<ProviderSetup, ProviderFeature> = {
  name: 'provider-memory',
  features: {
    order: true,
    sessionIds: true,
    sessionOrder: true,
    sessions: true,
    deliverAt: true,
    timeToLive: true,
    abandonDelay: true,
    deadLetters: true,
    maxDeliveries: true,
    deduplication: true,
    probe: true,
    depth: true,
    missingQueue: true,
  },
  setUp,
}

const simplified = (transport: QueueTransport): QueueTransport => ({
  lockMs: undefined,
  features: { deliverAt: false, timeToLive: false, abandonDelay: false, sessionIds: 'none' },
  send: transport.send,
  async receive(options) {
    const deliveries = await transport.receive(options)
    return deliveries.map((delivery) => ({
      ...delivery,
      async abandon({ delayMs }) {
        if (delayMs !== 0) throw new Error('This broker cannot delay.')
        await delivery.abandon({ delayMs })
      },
    }))
  },
  close: transport.close,
})

/** The same broker as the simplest one there can be. */
const simple = (provider: QueueProvider): QueueProvider => ({
  name: provider.name,
  open: (queue) => simplified(provider.open(queue)),
})

export const simplest: Subject<ProviderSetup, ProviderFeature> = {
  name: 'the simplest provider',
  features: {
    ...memory.features,
    sessionIds: 'standard queues have none',
    sessionOrder: 'nor have they an order of sessions',
    sessions: 'nor sessions',
    probe: 'the identity may not ask',
    depth: 'the identity may not ask',
    deliverAt: 'it knows no schedule',
    timeToLive: 'it keeps messages for as long as the queue says',
    abandonDelay: 'as on Service Bus',
    deadLetters: 'nobody configured a queue for them',
    maxDeliveries: 'there are no dead letters',
    missingQueue: 'it makes queues when they are used',
  },
  setUp() {
    const { missingQueue, maxDeliveryCount, ...setup } = memory.setUp() as ProviderSetup
    return { ...setup, provider: simple(setup.provider) }
  },
}
