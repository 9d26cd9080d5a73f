import type { MessageHandler, ProcessOptions, QueueClient, QueueProvider } from '@queue-runtime/core'
import { checkQueueName, hasMethods, misconfigured } from '@queue-runtime/core/provider'
import { createConnection } from './connection.ts'
import { PROVIDER } from './errors.ts'
import { createLambdaHandler, type SqsLambdaHandler } from './lambda.ts'
import { type SqsProviderOptions, sqsSettings } from './options.ts'
import { createTransport, openQueue } from './transport.ts'

/** Amazon SQS as a provider. */
export interface SqsProvider extends QueueProvider {
  /**
   * Returns a function for an event source mapping of Lambda with ReportBatchItemFailures. It resolves with the messages that
   * stay in the queue: those that failed or were abandoned, and on FIFO queues what would overtake them. They come again when the
   * visibility timeout of the queue ends, whatever delay was asked for. One second before the invocation ends it stops and
   * reports. It rejects where all failed for one reason, such as an outage of the key store.
   *
   * @throws Configuration with the name of the parameter
   * @example
   * export const handler = provider.lambdaHandler(client, async (message) => ship(message.json()))
   */
  lambdaHandler(client: QueueClient, handler: MessageHandler, options?: ProcessOptions): SqsLambdaHandler
}

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
    name: PROVIDER,
    open(queue) {
      checkQueueName(queue)
      return createTransport(queue, settings, connection)
    },
    lambdaHandler(client, handler, processOptions = {}) {
      if (!hasMethods(client, 'process')) throw misconfigured('client', 'must be a QueueClient.')
      if (typeof handler !== 'function') throw misconfigured('handler', 'must be a function.')
      const { queue } = client
      const { bury } = openQueue(queue, settings, connection).delivery
      const { clock, lockMs: defaultMs } = settings
      return createLambdaHandler({ queue, bury, clock, defaultMs }, client, handler, processOptions)
    },
  }
}
