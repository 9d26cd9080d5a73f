import type { Clock } from '@queue-runtime/core'
import { AmqpRefusal, CONDITION } from './amqp/conditions.ts'
import { createQueue, type Queue } from './store/queue.ts'
import type { QueueSettings } from './store/settings.ts'

/** The queues by name; case makes no difference, as in Azure. */
export interface Namespace {
  add(name: string, settings: QueueSettings): Queue
  get(name: string): Queue | undefined
  names(): string[]
  /** @throws amqp:not-found */
  find(name: string): Queue
  close(): void
}

export function createNamespace(clock: Clock): Namespace {
  const queues = new Map<string, Queue>()

  return {
    add(name, settings) {
      const queue = createQueue(name, settings, clock)
      queues.set(name.toLowerCase(), queue)
      return queue
    },
    get: (name) => queues.get(name.toLowerCase()),
    names: () => Array.from(queues.values(), ({ name }) => name),
    find(name) {
      const queue = queues.get(name.toLowerCase())
      // The SDK knows a missing queue by this very text.
      if (queue === undefined) {
        throw new AmqpRefusal(CONDITION.notFound, `The messaging entity '${name}' could not be found.`)
      }
      return queue
    },
    close() {
      for (const queue of queues.values()) queue.close()
    },
  }
}
