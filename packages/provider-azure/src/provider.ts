import type { QueueProvider } from '@queue-runtime/core'
import { checkQueueName } from '@queue-runtime/core/provider'
import { createConnection } from './connection.ts'
import { PROVIDER } from './errors.ts'
import { type AzureProviderOptions, azureSettings } from './options.ts'
import { createTransport } from './transport.ts'

/** Azure Service Bus as a provider. */
export interface AzureProvider extends QueueProvider {}

/**
 * Returns a provider for queues of one namespace of Azure Service Bus. Nothing connects until the first call.
 *
 * @throws Configuration with the name of the option
 * @example
 * const credential = new DefaultAzureCredential()
 * const provider = azureProvider({ namespace: 'shop.servicebus.windows.net', credential })
 * const client = createQueueClient({ provider, queue: 'orders' })
 */
export function azureProvider(options: AzureProviderOptions): AzureProvider {
  const settings = azureSettings(options)
  const connection = createConnection(settings)
  return {
    name: PROVIDER,
    open(queue) {
      checkQueueName(queue)
      return createTransport(queue, settings, connection)
    },
  }
}
