import type { TransportFeatures } from '@queue-runtime/core/provider'
import type { ProviderBench, ProviderSetup } from './bench.ts'
import { nothing, send, take } from './moves.ts'

/**
 * What a queue of a broker may lack.
 *
 * - `order`: messages come in the order in which they were sent, those of one session where they have some
 * - `sessionIds`: messages may belong to a session
 * - `sessionOrder`: a session with a message in flight gives nothing more to plain receives
 * - `sessions`: `acceptSession`
 * - `deliverAt`, `timeToLive`, `abandonDelay`: as the transport says in its `features`
 * - `deadLetters`: there is a dead-letter queue, and it can be read
 * - `maxDeliveries`: the broker makes dead letters by itself of what comes back too often
 * - `deduplication`: a known deduplication id is accepted and not delivered
 * - `probe`, `depth`: the queue can be looked at, and tells how many messages wait in it
 * - `missingQueue`: a queue may not exist
 */
export type ProviderFeature =
  | keyof Omit<TransportFeatures, 'sessionIds'>
  | 'order'
  | 'sessionIds'
  | 'sessionOrder'
  | 'sessions'
  | 'deadLetters'
  | 'maxDeliveries'
  | 'deduplication'
  | 'probe'
  | 'depth'
  | 'missingQueue'

const says =
  (feature: keyof Omit<TransportFeatures, 'sessionIds'>) =>
  ({ open }: ProviderBench): boolean =>
    open().features[feature]

const provides =
  (property: keyof ProviderSetup) =>
  (bench: ProviderBench): boolean =>
    bench[property] !== undefined

export const providerFeatures: Readonly<
  Record<ProviderFeature, ((bench: ProviderBench) => boolean | Promise<boolean>) | null>
> = {
  order: null,
  sessionIds: ({ open }) => open().features.sessionIds !== 'none',
  async sessionOrder(bench) {
    const { open, message } = bench
    const queue = open()
    if (queue.features.sessionIds === 'none') return false
    await send(queue, message('first', { sessionId: 's' }), message('second', { sessionId: 's' }))
    await take(bench, queue)
    return nothing(bench, queue).then(
      () => true,
      () => false,
    )
  },
  sessions: ({ open, sessionQueue }) => open(sessionQueue).acceptSession !== undefined,
  deliverAt: says('deliverAt'),
  timeToLive: says('timeToLive'),
  abandonDelay: says('abandonDelay'),
  deadLetters: ({ open }) => open().deadLetters !== undefined,
  maxDeliveries: provides('maxDeliveryCount'),
  async deduplication(bench) {
    const { open, message } = bench
    const queue = open()
    await send(queue, message('once', { deduplicationId: 'known' }))
    await send(queue, message('twice', { deduplicationId: 'known' }))
    await (await take(bench, queue)).complete()
    return nothing(bench, queue).then(
      () => true,
      () => false,
    )
  },
  probe: ({ open }) => open().probe !== undefined,
  async depth({ open }) {
    const seen = await open().probe?.({ signal: new AbortController().signal })
    return seen?.depth !== undefined
  },
  missingQueue: provides('missingQueue'),
}
