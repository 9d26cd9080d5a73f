import type { QueueProvider } from '@queue-runtime/core'
import type { Delivery } from '@queue-runtime/core/provider'
import type { NonceStore } from '@queue-runtime/crypto'

/** What is wrong with a fleet on purpose, to see that the judge sees it. */
export interface Sabotage {
  readonly provider?: (provider: QueueProvider) => QueueProvider
  /** Null: the receivers have no store. */
  readonly store?: (store: NonceStore) => NonceStore | null
  /** How many replicas a confirm waits for, where that is not one. */
  readonly waitReplicas?: number
}

const withDelivery =
  (change: (delivery: Delivery) => Promise<Delivery>) =>
  (provider: QueueProvider): QueueProvider => ({
    ...provider,
    open(queue) {
      const transport = provider.open(queue)
      return {
        ...transport,
        receive: async (options) => Promise.all((await transport.receive(options)).map(change)),
      }
    },
  })

/** Nothing is wrong. */
export const honest: Sabotage = {}

export const sabotages: Readonly<Record<string, Sabotage>> = {
  'the store grants always': {
    store: (store) => ({
      ...store,
      claim: async (requests) => (await store.claim(requests)).map(() => 'granted'),
    }),
  },
  'no confirm is made': { store: (store) => ({ ...store, confirm: async () => 'ok' }) },
  'there is no store': { store: () => null },
  'a confirm waits for no replica': { waitReplicas: 0 },
  'messages are deleted before they are handled': {
    provider: withDelivery(async (delivery) => {
      await delivery.complete()
      return { ...delivery, complete: async () => {} }
    }),
  },
}
