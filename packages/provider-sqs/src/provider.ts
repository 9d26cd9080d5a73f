import type { QueueProvider } from '@queue-runtime/core'
import { checkQueueName } from '@queue-runtime/core/provider'
import { createConnection } from './connection.ts'
import { type SqsProviderOptions, sqsSettings } from './options.ts'
import { createTransport } from './transport.ts'

/** Amazon SQS as a provider. */
export interface SqsProvider extends QueueProvider {}

/**
 * Returns a provider for queues of Amazon SQS. Nothing connects until the first call.
 *
 * @throws Configuration with the name of the option
 * @example
 * const provider = sqsProvider({ region: 'eu-central-1', queues: { orders: { name: 'orders.fifo' } } })
 * const client = createQueueClient({ provider, queue: 'orders' })
 */
export function sqsProvider(options: SqsProviderOptions = {}): SqsProvider {
  const settings = sqsSettings(options)
  const connection = createConnection(settings)
  return {
    name: 'sqs',
    open(queue) {
      checkQueueName(queue)
      return createTransport(queue, settings, connection)
    },
  }
}
