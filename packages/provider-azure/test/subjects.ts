import { randomUUID } from 'node:crypto'
import { type ProviderFeature, type ProviderSetup, realTime, type Subject } from '@queue-runtime/conformance'
import { azureProvider } from '@queue-runtime/provider-azure'
import type { ServiceBusEmulator } from '@queue-runtime/service-bus-emulator'

const LOCK_MS = 5_000
const MAX_BYTES = 100_000
const MAX_DELIVERIES = 4

/** Queues in the emulator, of which one has sessions. */
export const serviceBus = (emulator: () => ServiceBusEmulator): Subject<ProviderSetup, ProviderFeature> => ({
  name: 'Service Bus',
  features: {
    order: true,
    sessionIds: true,
    sessionOrder: 'a queue without sessions ignores session ids when it hands out messages (PA2)',
    sessions: true,
    deliverAt: true,
    timeToLive: true,
    abandonDelay: 'Service Bus makes an abandoned message visible at once',
    deadLetters: true,
    maxDeliveries: true,
    deduplication: true,
    probe: true,
    depth: 'AMQP does not tell how many messages wait',
    missingQueue: true,
  },
  async setUp() {
    const queue = `orders-${randomUUID()}`
    const sessionQueue = `jobs-${randomUUID()}`
    const { addQueue, connectionString } = emulator()
    const settings = {
      lockDurationMs: LOCK_MS,
      maxDeliveryCount: MAX_DELIVERIES,
      maxMessageBytes: MAX_BYTES,
      duplicateDetectionMs: 60_000,
      deadLetterOnExpiration: true,
    }
    addQueue(queue, settings)
    addQueue(sessionQueue, { ...settings, requiresSession: true })
    return {
      provider: azureProvider({ connectionString, queues: { [sessionQueue]: { sessions: true } } }),
      queue,
      sessionQueue,
      missingQueue: `nowhere-${randomUUID()}`,
      // Many cases share a machine that may be busy; what happens by itself is not waited out.
      time: { ...realTime(), patienceMs: 20_000 },
      lockMs: LOCK_MS,
      sessionLockMs: LOCK_MS,
      maxMessageBytes: MAX_BYTES,
      maxDeliveryCount: MAX_DELIVERIES,
      close: async () => {},
    }
  },
})
