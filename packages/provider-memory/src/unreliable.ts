import type { QueueError } from '@queue-runtime/core'
import {
  type Delivery,
  type IncomingMessage,
  locate,
  type QueueTransport,
  type SessionTransport,
  type TransportReceiver,
  type WireMessage,
} from '@queue-runtime/core/provider'
import type { Ask, AskedCall } from './faults.ts'
import type { BrokerSettings } from './options.ts'
import { checkSizes } from './size.ts'

type Place = Omit<AskedCall, 'queue'>

/** What becomes of one message of a `send`. */
interface Fate {
  readonly delayMs: number
  readonly arrives: boolean
  readonly error: QueueError | undefined
}

/** Returns `transport` as it is behind a broker that fails as `ask` says and lies as `tamper` does. */
export function unreliable(
  queue: string,
  transport: QueueTransport,
  { clock, maxMessageBytes, tamper }: BrokerSettings,
  ask: Ask = () => undefined,
): QueueTransport {
  const { acceptSession, deadLetters, probe } = transport

  const pause = async (delayMs: number, signal: AbortSignal | undefined): Promise<void> => {
    if (delayMs > 0) await clock.sleep(delayMs, signal)
  }

  /** Runs `act`, which learns how late it is. */
  const call = async <T>(place: Place, act: (lateMs: number) => Promise<T>, signal?: AbortSignal): Promise<T> => {
    signal?.throwIfAborted()
    const { delayMs = 0, failBefore, failAfter } = ask({ queue, ...place }) ?? {}
    await pause(delayMs, signal)
    if (failBefore !== undefined) throw locate(failBefore, { queue, ...place })
    const result = await act(delayMs)
    if (failAfter !== undefined) throw locate(failAfter, { queue, ...place })
    return result
  }

  const fateOf = ({ messageId, sessionId }: WireMessage): Fate => {
    const place: AskedCall = { queue, operation: 'send', of: 'queue', messageId, sessionId }
    const { delayMs = 0, failBefore, failAfter } = ask(place) ?? {}
    const error = failBefore ?? failAfter
    return { delayMs, arrives: failBefore === undefined, error: error && locate(error, place) }
  }

  /** The messages of one call travel together: all are as late as the latest, and each then has a fate of its own. */
  const send: QueueTransport['send'] = async (messages, options) => {
    options.signal.throwIfAborted()
    checkSizes(queue, messages, maxMessageBytes)
    const fates = messages.map(fateOf)
    await pause(
      fates.reduce((late, { delayMs }) => Math.max(late, delayMs), 0),
      options.signal,
    )
    const arriving = messages.filter((_, index) => fates[index]?.arrives)
    const outcomes = arriving.length === 0 ? [] : await transport.send(arriving, options)
    const answers = outcomes.values()
    return fates.map(({ arrives, error }) => {
      const answer = arrives ? answers.next().value : undefined
      return { error: error ?? answer?.error ?? null }
    })
  }

  const handedOut = (message: IncomingMessage): IncomingMessage => {
    const lie = tamper?.(queue, message)
    if (lie === undefined) return message
    return {
      ...message,
      ...lie,
      get lockedUntil() {
        return lie.lockedUntil ?? message.lockedUntil
      },
    }
  }

  const deliveryOf = (delivery: Delivery, of: Place['of']): Delivery => {
    const { messageId, sessionId } = delivery.message
    const place = { of, messageId, sessionId }
    return {
      message: handedOut(delivery.message),
      complete: () => call({ ...place, operation: 'complete' }, delivery.complete),
      abandon: (options) => call({ ...place, operation: 'abandon' }, () => delivery.abandon(options)),
      deadLetter: (reason) => call({ ...place, operation: 'deadLetter' }, () => delivery.deadLetter(reason)),
      renewLock: () => call({ ...place, operation: 'renewLock' }, delivery.renewLock),
    }
  }

  const receiverOf = (
    { receive, close }: TransportReceiver,
    of: Place['of'],
    sessionId?: string,
  ): TransportReceiver => ({
    async receive(options) {
      const deliveries = await call(
        { operation: 'receive', of, sessionId },
        (lateMs) => receive({ ...options, waitMs: Math.max(0, options.waitMs - lateMs) }),
        options.signal,
      )
      return deliveries.map((delivery) => deliveryOf(delivery, of))
    },
    close,
  })

  const sessionOf = (session: SessionTransport): SessionTransport => {
    const { sessionId } = session
    const place = { of: 'session', sessionId } as const
    return {
      ...receiverOf(session, 'session', sessionId),
      sessionId,
      get lockedUntil() {
        return session.lockedUntil
      },
      renewLock: () => call({ ...place, operation: 'renewSessionLock' }, session.renewLock),
      close: () => call({ ...place, operation: 'closeSession' }, session.close),
    }
  }

  const accept = async (
    accepting: NonNullable<typeof acceptSession>,
    options: Parameters<typeof accepting>[0],
  ): Promise<SessionTransport | null> => {
    const { sessionId, waitMs, signal } = options
    const session = await call(
      { operation: 'acceptSession', of: 'session', sessionId },
      (lateMs) => accepting({ ...options, waitMs: Math.max(0, waitMs - lateMs) }),
      signal,
    )
    return session && sessionOf(session)
  }

  return {
    ...transport,
    ...receiverOf(transport, 'queue'),
    send,
    ...(acceptSession && { acceptSession: (options) => accept(acceptSession, options) }),
    ...(deadLetters && { deadLetters: () => receiverOf(deadLetters(), 'dead-letters') }),
    ...(probe && {
      probe: (options) => call({ operation: 'probe', of: 'queue' }, () => probe(options), options.signal),
    }),
  }
}
