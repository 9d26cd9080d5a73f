import type {
  Delivery,
  IncomingMessage,
  QueueProvider,
  QueueTransport,
  TransportReceiver,
  WireMessage,
} from '@queue-runtime/core/provider'

/** The names of the broken implementations. */
export type Mutant =
  | 'drops attributes'
  | 'treats bodies as text'
  | 'keeps the bytes of the caller'
  | 'shortens batches'
  | 'sends what fits of a batch'
  | 'sleeps through a send'
  | 'answers for fewer messages than it was given'
  | 'swallows a message after an abort'
  | 'forgets locks'
  | 'completes nothing'
  | 'settles after the lock ended'
  | 'renews nothing'
  | 'abandons to the tail'
  | 'ignores the delay of abandon'
  | 'forgets abandoned messages'
  | 'drops the reason of dead letters'
  | 'counts no deliveries'
  | 'claims an endless lock'

/** What a mutant changes of the transports of a sound provider. */
interface Change {
  readonly delivery?: (delivery: Delivery) => Delivery
  readonly receive?: (receiver: TransportReceiver) => TransportReceiver['receive']
  readonly send?: (transport: QueueTransport) => QueueTransport['send']
}

const changeReceiver = <T extends TransportReceiver>(receiver: T, { delivery, receive }: Change): T => {
  const pull = receive?.(receiver) ?? receiver.receive
  const receiveChanged: TransportReceiver['receive'] = async (options) => {
    const deliveries = await pull(options)
    return delivery === undefined ? deliveries : deliveries.map(delivery)
  }
  return { ...receiver, receive: receiveChanged }
}

const change = (provider: QueueProvider, changes: Change): QueueProvider => ({
  name: provider.name,
  open(queue) {
    const transport = provider.open(queue)
    const deadLetters = transport.deadLetters?.bind(transport)
    return {
      ...changeReceiver(transport, changes),
      ...(changes.send === undefined ? {} : { send: changes.send(transport) }),
      ...(deadLetters === undefined ? {} : { deadLetters: () => changeReceiver(deadLetters(), changes) }),
    }
  },
})

const withMessage =
  (edit: (message: IncomingMessage) => Partial<IncomingMessage>) =>
  (delivery: Delivery): Delivery => ({ ...delivery, message: { ...delivery.message, ...edit(delivery.message) } })

const asText = (bytes: Uint8Array): Uint8Array => new TextEncoder().encode(new TextDecoder().decode(bytes))

const done = async (): Promise<void> => {}

type Mutate = (provider: QueueProvider) => QueueProvider

const firstOfTen = (messages: readonly WireMessage[]): readonly WireMessage[] => messages.slice(0, 10)

/** Broken providers, each made of a sound one by one fault that was seen in the wild or is easily made. */
export const mutants: Record<Mutant, Mutate> = {
  'drops attributes': (provider) => change(provider, { delivery: withMessage(() => ({ attributes: {} })) }),
  'treats bodies as text': (provider) =>
    change(provider, { delivery: withMessage(({ body }) => ({ body: asText(body) })) }),
  'keeps the bytes of the caller': (provider) =>
    change(provider, {
      send: (transport) => async (messages, options) => {
        setImmediate(() => transport.send(messages, options).catch(() => {}))
        return messages.map(() => ({ error: null }))
      },
    }),
  'shortens batches': (provider) =>
    change(provider, {
      send: (transport) => async (messages, options) => {
        await transport.send(firstOfTen(messages), options)
        return messages.map(() => ({ error: null }))
      },
    }),
  'sends what fits of a batch': (provider) =>
    change(provider, {
      send: (transport) => async (messages, options) => {
        for (const message of messages) await transport.send([message], options)
        return messages.map(() => ({ error: null }))
      },
    }),
  'sleeps through a send': (provider) =>
    change(provider, {
      receive: (receiver) => async (options) => {
        const deliveries = await receiver.receive({ ...options, waitMs: 0 })
        if (deliveries.length > 0 || options.waitMs === 0) return deliveries
        const aborted = Promise.withResolvers<never>()
        options.signal.addEventListener('abort', () => aborted.reject(options.signal.reason), { once: true })
        return aborted.promise
      },
    }),
  'answers for fewer messages than it was given': (provider) =>
    change(provider, {
      send: (transport) => async (messages, options) => {
        await transport.send(firstOfTen(messages), options)
        return firstOfTen(messages).map(() => ({ error: null }))
      },
    }),
  'swallows a message after an abort': (provider) =>
    change(provider, {
      receive: (receiver) => async (options) => {
        const deliveries = receiver.receive({ ...options, signal: new AbortController().signal })
        const aborted = Promise.withResolvers<never>()
        options.signal.addEventListener('abort', () => aborted.reject(options.signal.reason), { once: true })
        return Promise.race([deliveries, aborted.promise])
      },
    }),
  'forgets locks': (provider) =>
    change(provider, {
      receive: (receiver) => async (options) => {
        const deliveries = await receiver.receive(options)
        await Promise.all(deliveries.map((delivery) => delivery.abandon({ delayMs: 0 })))
        return deliveries
      },
    }),
  'completes nothing': (provider) => change(provider, { delivery: (delivery) => ({ ...delivery, complete: done }) }),
  'settles after the lock ended': (provider) =>
    change(provider, {
      delivery: (delivery) => ({ ...delivery, complete: () => delivery.complete().catch(() => {}) }),
    }),
  'renews nothing': (provider) =>
    change(provider, {
      delivery: (delivery) => ({ ...delivery, renewLock: async () => delivery.message.lockedUntil }),
    }),
  'abandons to the tail': (provider) =>
    change(provider, {
      receive: (receiver) => {
        let isFirst = true
        return async (options) => {
          const deliveries = await receiver.receive({ ...options, maxMessages: isFirst ? 1 : 2 })
          const [head, ...rest] = deliveries
          if (isFirst || head === undefined || rest.length === 0) {
            isFirst = false
            return deliveries
          }
          await head.abandon({ delayMs: 0 })
          return rest
        }
      },
    }),
  'ignores the delay of abandon': (provider) =>
    change(provider, {
      delivery: (delivery) => ({ ...delivery, abandon: () => delivery.abandon({ delayMs: 0 }) }),
    }),
  'forgets abandoned messages': (provider) =>
    change(provider, { delivery: (delivery) => ({ ...delivery, abandon: () => delivery.complete() }) }),
  'drops the reason of dead letters': (provider) =>
    change(provider, {
      delivery: (delivery) => ({ ...delivery, deadLetter: () => delivery.deadLetter({ reason: 'unknown' }) }),
    }),
  'claims an endless lock': (provider) =>
    change(provider, { delivery: withMessage(() => ({ lockedUntil: new Date(8.64e15) })) }),
  'counts no deliveries': (provider) => change(provider, { delivery: withMessage(() => ({ deliveryCount: 1 })) }),
}
