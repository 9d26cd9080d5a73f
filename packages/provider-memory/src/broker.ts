import { checkQueueName } from '@queue-runtime/core/provider'
import { type BrokerQueue, createBrokerQueue } from './broker-queue.ts'
import { queueNotFound } from './errors.ts'
import { type Ask, createAsk } from './faults.ts'
import { type BrokerSettings, brokerSettings, type MemoryBrokerOptions } from './options.ts'
import { createQueue, type Queue } from './queue.ts'

/** What transports reach of a broker and applications do not. */
export const TRANSPORT_SIDE: unique symbol = Symbol('transport side')

/** Queues that live as long as this object, whoever opens and closes clients meanwhile. Two brokers share nothing. */
export interface MemoryBroker {
  /**
   * Returns what an operator with full access sees of a queue and can do to it; makes the queue where `autoCreateQueues` allows.
   * @throws QueueNotFound · Validation with field `queue`
   */
  queue(name: string): BrokerQueue
  /** The names of all queues, in the order they were made. */
  queueNames(): string[]
  readonly [TRANSPORT_SIDE]: TransportSide
}

export interface TransportSide {
  readonly settings: BrokerSettings
  /** @throws QueueNotFound */
  queue(name: string): Queue
  readonly ask: Ask | undefined
}

/**
 * Returns a broker: give it to `memoryProvider()`, once or several times, and look into it in tests and demos.
 *
 * @throws Configuration with the name of the option
 * @example
 * const broker = memoryBroker({ maxDeliveryCount: 5 })
 * const client = createQueueClient({ provider: memoryProvider({ broker }), queue: 'orders' })
 * await client.send({ json: { id: 1 } })
 * broker.queue('orders').messages() // [{ state: 'active', … }]
 */
export function memoryBroker(options: MemoryBrokerOptions = {}): MemoryBroker {
  const settings = brokerSettings(options)
  const queues = new Map<string, Queue>()

  const make = (name: string): Queue => {
    const queue = createQueue(name, settings)
    queues.set(name, queue)
    return queue
  }

  const find = (name: string): Queue => {
    const queue = queues.get(name)
    if (queue !== undefined) return queue
    if (settings.autoCreateQueues) return make(name)
    throw queueNotFound(name)
  }

  for (const name of settings.queues) make(name)

  return {
    queue(name) {
      checkQueueName(name)
      return createBrokerQueue(find(name))
    },
    queueNames: () => [...queues.keys()],
    [TRANSPORT_SIDE]: { settings, queue: find, ask: settings.faults && createAsk(settings.faults) },
  }
}
