import type { Options, QueueProvider } from '@queue-runtime/core'
import { checkOptions, checkQueueName, option } from '@queue-runtime/core/provider'
import { type MemoryBroker, memoryBroker, TRANSPORT_SIDE } from './broker.ts'
import { createTransport } from './transport.ts'
import { unreliable } from './unreliable.ts'

/** `broker`: whose queues they are. Default one of this provider's own, shared by all clients that get this provider. */
export interface MemoryProviderOptions extends Options<{ broker: MemoryBroker }> {}

const isBroker = (value: unknown): boolean => typeof value === 'object' && value !== null && TRANSPORT_SIDE in value

/**
 * Returns a provider whose messages live in this process.
 *
 * @throws Configuration with the name of the option
 * @example
 * const provider = memoryProvider()
 * const sender = createQueueClient({ provider, queue: 'orders' })
 * const receiver = createQueueClient({ provider, queue: 'orders' })
 */
export function memoryProvider(options: MemoryProviderOptions = {}): QueueProvider {
  checkOptions(options, { broker: option.that('what memoryBroker() returns', isBroker) })
  const { broker = memoryBroker() } = options
  return {
    name: 'memory',
    open(queue) {
      checkQueueName(queue)
      const side = broker[TRANSPORT_SIDE]
      const transport = createTransport(queue, side)
      const { ask, settings } = side
      const isReliable = ask === undefined && settings.tamper === undefined
      return isReliable ? transport : unreliable(queue, transport, settings, ask)
    },
  }
}
