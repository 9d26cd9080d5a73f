import type { MessageHandler, ProcessOptions, QueueClient, QueueProvider } from '@queue-runtime/core'
import { checkQueueName, hasMethods, misconfigured } from '@queue-runtime/core/provider'
import { createConnection } from './connection.ts'
import { PROVIDER } from './errors.ts'
import { type AzureFunctionsHandler, createFunctionsHandler } from './functions.ts'
import { type AzureProviderOptions, azureSettings } from './options.ts'
import { targetOf } from './queue-names.ts'
import { createTransport } from './transport.ts'

/** Azure Service Bus as a provider. */
export interface AzureProvider extends QueueProvider {
  /**
   * Returns a function for a Service Bus trigger of Azure Functions with `autoCompleteMessages: false`, which settles each message
   * by itself. With `sdkBinding: true` the host settles; else this provider does, by the lock that the host holds, which takes
   * `dataType: 'binary'` at the trigger, the right Listen, and a queue without sessions. What was abandoned with a delay comes
   * again when its lock ends. It rejects where an outage, such as one of the key store, lasts longer than the locks.
   *
   * @throws Configuration with the name of the parameter, or, when it is called, of the setting of the trigger
   * @example
   * const handler = provider.functionsHandler(client, async (message) => ship(message.json()))
   * app.serviceBusQueue('orders', { connection, queueName: 'orders', autoCompleteMessages: false, sdkBinding: true, handler })
   */
  functionsHandler(client: QueueClient, handler: MessageHandler, options?: ProcessOptions): AzureFunctionsHandler
}

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
    functionsHandler(client, handler, processOptions = {}) {
      if (!hasMethods(client, 'process')) throw misconfigured('client', 'must be a QueueClient.')
      if (typeof handler !== 'function') throw misconfigured('handler', 'must be a function.')
      const { queue } = client
      const target = targetOf(queue, settings.queues, settings.only)
      return createFunctionsHandler(
        { queue, target, connection, clock: settings.clock },
        client,
        handler,
        processOptions,
      )
    },
  }
}
