import type {
  Delivery,
  IncomingMessage,
  QueueTransport,
  SessionTransport,
  TransportReceiver,
} from '@queue-runtime/core/provider'
import type { ProviderSetup } from '../bench.ts'

/** Returns a copy with some of its properties replaced. What is live in the original stays live. */
export const altered = <T extends object>(sound: T, changes: Partial<T>): T => {
  const copy = Object.create(Object.getPrototypeOf(sound), Object.getOwnPropertyDescriptors(sound)) as T
  return Object.defineProperties(copy, Object.getOwnPropertyDescriptors(changes))
}

/** What a mutant changes of a sound provider. Each part is given what is sound and returns what replaces some of it. */
export interface Changes {
  readonly transport?: (transport: QueueTransport, queue: string) => Partial<QueueTransport>
  /** Of the queue, of its dead letters and of its sessions. */
  readonly receiver?: (receiver: TransportReceiver) => Partial<TransportReceiver>
  readonly deadLetters?: (receiver: TransportReceiver) => Partial<TransportReceiver>
  readonly session?: (session: SessionTransport, transport: QueueTransport) => Partial<SessionTransport>
  readonly delivery?: (delivery: Delivery) => Partial<Delivery>
  readonly message?: (message: IncomingMessage) => Partial<IncomingMessage>
}

export type Fault = (setup: ProviderSetup) => ProviderSetup

const alterDelivery = (delivery: Delivery, changes: Changes): Delivery => {
  const { message } = delivery
  const changed =
    changes.message === undefined
      ? delivery
      : altered(delivery, { message: altered(message, changes.message(message)) })
  return changes.delivery === undefined ? changed : altered(changed, changes.delivery(changed))
}

const alterReceiver = <T extends TransportReceiver>(receiver: T, changes: Changes): T => {
  const changed =
    changes.receiver === undefined ? receiver : altered<T>(receiver, changes.receiver(receiver) as Partial<T>)
  const receive: TransportReceiver['receive'] = async (options) => {
    const deliveries = await changed.receive(options)
    return deliveries.map((delivery) => alterDelivery(delivery, changes))
  }
  return altered<T>(changed, { receive } as Partial<T>)
}

const alterTransport = (transport: QueueTransport, queue: string, changes: Changes): QueueTransport => {
  const deadLetters = transport.deadLetters?.bind(transport)
  const acceptSession = transport.acceptSession?.bind(transport)
  const readDeadLetters = (): TransportReceiver => {
    const receiver = deadLetters?.() as TransportReceiver
    return alterReceiver(altered(receiver, changes.deadLetters?.(receiver) ?? {}), changes)
  }
  const changed = altered(alterReceiver(transport, changes), {
    ...(deadLetters && { deadLetters: readDeadLetters }),
    ...(acceptSession && {
      async acceptSession(options) {
        const session = await acceptSession(options)
        if (session === null) return null
        return alterReceiver(altered(session, changes.session?.(session, transport) ?? {}), changes)
      },
    }),
  })
  return altered(changed, changes.transport?.(changed, queue) ?? {})
}

/** A provider with one fault. */
export const fault =
  (changes: Changes | ((setup: ProviderSetup) => Changes)): Fault =>
  (setup) => {
    const { provider } = setup
    const made = typeof changes === 'function' ? changes(setup) : changes
    const open = (queue: string): QueueTransport => alterTransport(provider.open(queue), queue, made)
    return { ...setup, provider: { name: provider.name, open } }
  }

/** Rejects with the reason of the signal, once it aborts. */
export const onAbort = (signal: AbortSignal): Promise<never> => {
  const { promise, reject } = Promise.withResolvers<never>()
  if (signal.aborted) reject(signal.reason)
  else signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  promise.catch(() => {})
  return promise
}

export const never: AbortSignal = new AbortController().signal
