import { memoryBroker, memoryProvider } from '@queue-runtime/provider-memory'
import { QUEUES } from '../github/routes.ts'
import type { LocalQueues, StartLocal } from './local-server.ts'

/** What every queue takes here, body and fields together, in bytes. */
const MAX_MESSAGE_BYTES = 10 * 1024 * 1024

/** A message that waits for a key comes three times; whoever looks into a queue costs no message. */
const MAX_DELIVERIES = 10

const memory: StartLocal<LocalQueues> = async (clock) => {
  const broker = memoryBroker({
    clock,
    queues: QUEUES,
    maxMessageBytes: MAX_MESSAGE_BYTES,
    maxDeliveryCount: MAX_DELIVERIES,
  })
  return {
    variables: { QUEUE_PROVIDER: 'memory' },
    embedded: { queues: memoryProvider({ broker }) },
    isRealTime: false,
    async close() {},
  }
}

/** Locks outlive what is skipped in one go, but for the five minutes that make a message too old. */
const LOCK_SECONDS = 300

const sqs: StartLocal<LocalQueues> = async () => {
  const { startStrictSqs } = await import('@queue-runtime/sqs-strict')
  const server = await startStrictSqs()
  for (const queue of QUEUES) await server.createQueueWithDeadLetters(`${queue}.fifo`, MAX_DELIVERIES)
  return {
    variables: {
      QUEUE_PROVIDER: 'sqs',
      SQS_ENDPOINT: server.endpoint,
      SQS_LOCK_SECONDS: String(LOCK_SECONDS),
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
    },
    embedded: {},
    isRealTime: true,
    close: () => server.close(),
  }
}

const azure: StartLocal<LocalQueues> = async (clock) => {
  const { startServiceBusEmulator } = await import('@queue-runtime/service-bus-emulator')
  const queue = { maxDeliveryCount: MAX_DELIVERIES, maxMessageBytes: 1024 * 1024 }
  const emulator = await startServiceBusEmulator({
    queues: Object.fromEntries(QUEUES.map((name) => [name, queue])),
    clock,
  })
  return {
    variables: { QUEUE_PROVIDER: 'azure', SERVICEBUS_CONNECTION_STRING: emulator.connectionString },
    embedded: {},
    isRealTime: false,
    close: () => emulator.close(),
  }
}

/** The local servers of queues, by the name of their provider. */
export const LOCAL_QUEUES: Readonly<Record<string, StartLocal<LocalQueues>>> = { memory, azure, sqs }
