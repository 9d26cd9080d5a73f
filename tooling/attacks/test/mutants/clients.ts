import { library } from '../../src/library.ts'
import type { Fault } from './change.ts'

const telling: Fault = {
  createQueueClient(given) {
    const client = library.createQueueClient(given)
    return {
      ...client,
      consume: (handler, consumeOptions) =>
        client.consume(async (message, context) => {
          try {
            await handler(message, context)
          } catch (error) {
            await message.deadLetter({ reason: 'app.failed', description: String(error) })
          }
        }, consumeOptions),
    }
  },
}

const deleting: Fault = {
  memoryProvider(given) {
    const provider = library.memoryProvider(given)
    return {
      name: provider.name,
      open(queue) {
        const transport = provider.open(queue)
        return {
          ...transport,
          receive: async (call) =>
            (await transport.receive(call)).map((delivery) => ({ ...delivery, deadLetter: () => delivery.complete() })),
        }
      },
    }
  },
}

const uncached: Fault = {
  cachedKeyProvider: (source) => ({
    ...source,
    revoke: () => {},
    close: async () => {},
    [Symbol.asyncDispose]: async () => {},
  }),
}

export const clientMutants = {
  'tells why the handler failed': telling,
  'deletes instead of dead-lettering': deleting,
  'asks the store for every key': uncached,
} as const
