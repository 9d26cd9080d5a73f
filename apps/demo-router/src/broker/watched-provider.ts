import { randomUUID } from 'node:crypto'
import type { DeadLetterReason, QueueProvider } from '@queue-runtime/core'
import type {
  Delivery,
  QueueTransport,
  SessionTransport,
  TransportReceiver,
  WireBody,
  WireMessage,
} from '@queue-runtime/core/provider'
import { isQueueName, type QueueName } from '../github/routes.ts'
import type { Copies, StoredCopy, WireFields } from './copies.ts'

/** Who is told what becomes of each copy at the broker. */
export interface BrokerObserver {
  stored(copy: StoredCopy): void
  completed(copy: StoredCopy): void
  dead(copy: StoredCopy, reason: DeadLetterReason): void
}

/** A queue whose copies are known, and the hands of somebody who may do to it what the broker allows. */
interface WatchedTransport extends QueueTransport {
  /** Takes messages away, past all clients: at most ten of those that can be had now, or soon. */
  take(signal: AbortSignal): Promise<StoredCopy[]>
  /** Stores a message as it is, past all clients; no deduplication knows it. */
  put(message: WireFields, signal: AbortSignal): Promise<StoredCopy>
  /** The same with one that was taken: it is the same copy again. */
  putBack(copy: StoredCopy, signal: AbortSignal): Promise<void>
}

export interface WatchedProvider extends QueueProvider {
  open(queue: string): WatchedTransport
}

export interface WatchOptions {
  readonly copies: Copies
  readonly observer: BrokerObserver
  /** The broker goes by a clock that cannot skip time: the client keeps what is abandoned with a delay, by its own. */
  readonly isRealTime: boolean
}

/** How long one look for messages may take, in milliseconds. */
const LOOK_MS = 1_000

/** Nobody else vouches for these bytes: that is the point of an attack. */
const asWire = (body: Uint8Array): WireBody => body as WireBody

/** Returns the provider, watched: who opens queues through it is seen to send, to receive and to settle. */
export function watchedProvider(provider: QueueProvider, options: WatchOptions): WatchedProvider {
  const { copies, observer, isRealTime } = options
  /** A copy is stored when the broker says so or hands it out, whichever is seen first. */
  const announced = new WeakSet<StoredCopy>()
  const announce = (copy: StoredCopy): void => {
    if (announced.has(copy)) return
    announced.add(copy)
    observer.stored(copy)
  }

  const watchDelivery = (queue: QueueName, delivery: Delivery): Delivery => {
    const { message } = delivery
    const copy = copies.delivered(queue, message)
    announce(copy)
    return {
      message,
      async complete() {
        await delivery.complete()
        copies.remove(copy)
        observer.completed(copy)
      },
      abandon: (delay) => delivery.abandon(delay),
      async deadLetter(reason) {
        await delivery.deadLetter(reason)
        copies.remove(copy)
        observer.dead(copy, reason)
      },
      renewLock: () => delivery.renewLock(),
    }
  }

  const watchReceiver = (queue: QueueName, receiver: TransportReceiver): TransportReceiver => ({
    async receive(limits) {
      const deliveries = await receiver.receive(limits)
      return deliveries.map((delivery) => watchDelivery(queue, delivery))
    },
    close: () => receiver.close(),
  })

  const watchSession = (queue: QueueName, session: SessionTransport): SessionTransport => ({
    ...watchReceiver(queue, session),
    sessionId: session.sessionId,
    get lockedUntil() {
      return session.lockedUntil
    },
    renewLock: () => session.renewLock(),
  })

  const watchTransport = (queue: QueueName, transport: QueueTransport): WatchedTransport => {
    const { acceptSession, deadLetters, probe } = transport

    const sendAs = async (
      added: readonly StoredCopy[],
      messages: readonly WireMessage[],
      limits: { readonly signal: AbortSignal },
    ) => {
      const outcomes = await transport.send(messages, limits).catch((error: unknown) => {
        for (const copy of added) copies.remove(copy)
        throw error
      })
      for (const [at, copy] of added.entries()) {
        if (outcomes[at]?.error === null) announce(copy)
        else copies.remove(copy)
      }
      return outcomes
    }

    const putAs = async (copy: StoredCopy, message: WireFields, signal: AbortSignal): Promise<void> => {
      const wire = { ...message, body: asWire(message.body), deduplicationId: randomUUID() }
      const [outcome] = await sendAs([copy], [wire], { signal })
      if (outcome?.error !== null) throw outcome?.error ?? new Error('The broker did not answer.')
    }

    return {
      ...watchReceiver(queue, transport),
      lockMs: transport.lockMs,
      features: { ...transport.features, abandonDelay: transport.features.abandonDelay && !isRealTime },
      send(messages, limits) {
        const added = messages.map((message) => copies.add(queue, message))
        return sendAs(added, messages, limits)
      },
      ...(acceptSession !== undefined && {
        async acceptSession(wanted) {
          const session = await acceptSession(wanted)
          return session === null ? null : watchSession(queue, session)
        },
      }),
      ...(deadLetters !== undefined && { deadLetters }),
      ...(probe !== undefined && { probe }),
      async take(signal) {
        const deliveries = await transport.receive({ maxMessages: 10, waitMs: LOOK_MS, signal })
        return Promise.all(
          deliveries.map(async (delivery) => {
            const copy = copies.delivered(queue, delivery.message)
            announce(copy)
            await delivery.complete()
            copies.remove(copy)
            return copy
          }),
        )
      },
      async put(message, signal) {
        const copy = copies.add(queue, message)
        await putAs(copy, message, signal)
        return copy
      },
      async putBack(copy, signal) {
        copies.restore(copy)
        await putAs(copy, copy, signal)
      },
    }
  }

  return {
    name: provider.name,
    open(queue) {
      const transport = provider.open(queue)
      if (isQueueName(queue)) return watchTransport(queue, transport)
      throw new Error(`There is no bot for the queue ${queue}.`)
    },
  }
}
