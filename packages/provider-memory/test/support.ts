import type {
  Delivery,
  QueueTransport,
  SessionTransport,
  TransportReceiver,
  WireBody,
  WireMessage,
} from '@queue-runtime/core/provider'
import { type FakeClock, fakeClock } from '@queue-runtime/core/testing'
import { type MemoryBroker, type MemoryBrokerOptions, memoryBroker, memoryProvider } from '../src/index.ts'

/** A clock that tells how many sleeps are under way. */
export interface WatchedClock extends FakeClock {
  readonly sleepers: number
  /** How many sleeps there were in all. */
  readonly sleeps: number
}

export const START = Date.UTC(2026, 0, 1)

export function watchedClock(): WatchedClock {
  const clock = fakeClock(START)
  let sleepers = 0
  let sleeps = 0
  return {
    ...clock,
    async sleep(ms, signal) {
      sleepers += 1
      sleeps += 1
      try {
        await clock.sleep(ms, signal)
      } finally {
        sleepers -= 1
      }
    },
    get sleepers() {
      return sleepers
    },
    get sleeps() {
      return sleeps
    },
  }
}

/** A broker on a clock of its own, and a transport of its queue `orders`. */
export function setUp(options: MemoryBrokerOptions = {}): {
  clock: WatchedClock
  broker: MemoryBroker
  transport: QueueTransport
} {
  const clock = watchedClock()
  const broker = memoryBroker({ clock, ...options })
  return { clock, broker, transport: memoryProvider({ broker }).open('orders') }
}

export const never: AbortSignal = new AbortController().signal

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
export const textOf = (body: Uint8Array): string => new TextDecoder().decode(body)

let made = 0

/** What core hands to a transport after protection. */
export const wire = (body: string | Uint8Array, fields: Partial<Omit<WireMessage, 'body'>> = {}): WireMessage => {
  made += 1
  const messageId = fields.messageId ?? `message-${made}`
  const toWire = (plain: Uint8Array): WireBody => plain as WireBody
  return {
    deduplicationId: messageId,
    ...fields,
    messageId,
    body: toWire(typeof body === 'string' ? bytes(body) : body),
  }
}

export const sendAll = (transport: QueueTransport, ...bodies: readonly string[]): Promise<unknown> =>
  transport.send(
    bodies.map((body) => wire(body)),
    { signal: never },
  )

/** Sends bodies to sessions, in order. */
export const sendTo = (
  transport: QueueTransport,
  ...messages: readonly [sessionId: string | undefined, body: string, fields?: Parameters<typeof wire>[1]][]
): Promise<unknown> =>
  transport.send(
    messages.map(([sessionId, body, fields]) => wire(body, { ...fields, sessionId })),
    { signal: never },
  )

/** Looks once. */
export const look = (receiver: TransportReceiver, maxMessages = 100): Promise<Delivery[]> =>
  receiver.receive({ maxMessages, waitMs: 0, signal: never })

/** Looks once for one message, which must be there. */
export async function take(receiver: TransportReceiver): Promise<Delivery> {
  const [delivery] = await look(receiver, 1)
  if (delivery === undefined) throw new Error('There is no message.')
  return delivery
}

export const bodiesOf = (deliveries: readonly Delivery[]): string[] =>
  deliveries.map(({ message }) => textOf(message.body))

export const bodies = async (receiver: TransportReceiver): Promise<string[]> => bodiesOf(await look(receiver))

/** The reader of dead letters, which the queue must have. */
export function deadLettersOf(transport: QueueTransport): TransportReceiver {
  const receiver = transport.deadLetters?.()
  if (receiver === undefined) throw new Error('There are no dead letters.')
  return receiver
}

/** How sessions are accepted, which this provider can. */
export function acceptOf({ acceptSession }: QueueTransport): NonNullable<typeof acceptSession> {
  if (acceptSession === undefined) throw new Error('There are no sessions.')
  return acceptSession
}

/** Takes the lock of a session that must be there: the one named, or the next. */
export async function accept(transport: QueueTransport, sessionId?: string): Promise<SessionTransport> {
  const session = await acceptOf(transport)({ sessionId, waitMs: 0, signal: never })
  if (session === null) throw new Error('There is no session.')
  return session
}

/** Tells what has become of a promise so far. */
export async function outcomeOf<T>(promise: Promise<T>): Promise<{ value: T } | { error: unknown } | 'pending'> {
  await new Promise((resolve) => setImmediate(resolve))
  return Promise.race([
    promise.then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    ),
    new Promise<'pending'>((resolve) => setImmediate(() => resolve('pending'))),
  ])
}
