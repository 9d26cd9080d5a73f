import {
  type Clock,
  createQueueClient,
  type Logger,
  type QueueProvider,
  type ReceivedMessage,
  type RejectedMessage,
} from '@queue-runtime/core'
import { QUEUES, type QueueName } from './github/routes.ts'
import type { Protection } from './keys.ts'

export interface BotsOptions {
  readonly provider: QueueProvider
  readonly protections: Readonly<Record<QueueName, Protection>>
  readonly clock: Clock
  readonly logger: Logger
  readonly onRead: (queue: QueueName, message: ReceivedMessage) => void
  readonly onRejected: (queue: QueueName, rejected: RejectedMessage) => void
}

export interface Bots {
  /** Lets the handlers end, then closes the clients. */
  close(): Promise<void>
}

/** Deliveries that one bot works on at once. */
const CONCURRENCY = 4

/** Starts the three bots, each with a client of its own queue and the key of that queue alone. */
export function startBots({ provider, protections, clock, logger, onRead, onRejected }: BotsOptions): Bots {
  const clients = QUEUES.map((queue) => {
    const client = createQueueClient({
      ...{ provider, queue, clock, logger },
      crypto: protections[queue],
      onRejected: (rejected) => onRejected(queue, rejected),
    })
    client.consume((message) => onRead(queue, message), { concurrency: CONCURRENCY })
    return client
  })
  return {
    async close() {
      await Promise.all(clients.map((client) => client.close()))
    },
  }
}
