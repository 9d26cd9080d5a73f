import { randomUUID } from 'node:crypto'
import { type ProviderFeature, type ProviderSetup, realTime, type Subject } from '@queue-runtime/conformance'
import { sqsProvider } from '@queue-runtime/provider-sqs'
import type { StrictSqs } from '@queue-runtime/sqs-strict'
import { LOCAL } from './support.ts'

const LOCK_MS = 5_000
const MAX_BYTES = 100_000
const MAX_DELIVERIES = 4

const setUp = (sqs: () => StrictSqs, suffix: '' | '.fifo') => async (): Promise<ProviderSetup> => {
  const queue = `orders-${randomUUID()}`
  const name = `${queue}${suffix}`
  await sqs().createQueueWithDeadLetters(name, MAX_DELIVERIES)
  const provider = sqsProvider({
    ...LOCAL,
    endpoint: sqs().endpoint,
    queues: { [queue]: { name }, nowhere: { name: `nowhere${suffix}` } },
    lockMs: LOCK_MS,
    maxMessageBytes: MAX_BYTES,
  })
  return {
    provider,
    queue,
    missingQueue: 'nowhere',
    // Many cases share a machine that may be busy; what happens by itself is not waited out.
    time: { ...realTime(), patienceMs: 20_000 },
    lockMs: LOCK_MS,
    maxMessageBytes: MAX_BYTES,
    maxDeliveryCount: MAX_DELIVERIES,
    close: async () => {},
  }
}

const COMMON = {
  sessions: 'SQS cannot receive by group, and giving back other groups would spend their deliveries (PS1)',
  timeToLive: 'SQS keeps messages for as long as the queue says (PS11)',
  abandonDelay: true,
  deadLetters: true,
  maxDeliveries: true,
  probe: true,
  depth: true,
  missingQueue: true,
} as const

export const standard = (sqs: () => StrictSqs): Subject<ProviderSetup, ProviderFeature> => ({
  name: 'SQS, standard',
  features: {
    ...COMMON,
    order: 'a standard queue keeps none',
    sessionIds: 'a standard queue has no groups with an order (PS1)',
    sessionOrder: 'a standard queue has no groups with an order (PS1)',
    deliverAt: true,
    deduplication: 'a standard queue knows no duplicates',
  },
  setUp: setUp(sqs, ''),
})

export const fifo = (sqs: () => StrictSqs): Subject<ProviderSetup, ProviderFeature> => ({
  name: 'SQS, FIFO',
  features: {
    ...COMMON,
    order: true,
    sessionIds: true,
    sessionOrder: true,
    deliverAt: 'a FIFO queue delays all its messages alike (PS11)',
    deduplication: true,
  },
  setUp: setUp(sqs, '.fifo'),
})
