import assert from 'node:assert/strict'
import type {
  Delivery,
  QueueTransport,
  SessionTransport,
  TransportReceiver,
  WireMessage,
} from '@queue-runtime/core/provider'
import type { ProviderBench } from './bench.ts'

export const never: AbortSignal = new AbortController().signal

/** Found at once where there is something; so long, and no longer, where a broken provider has nothing. */
const patient = ({ time }: ProviderBench): { waitMs: number; signal: AbortSignal } => ({
  waitMs: 10 * time.lookMs,
  signal: never,
})

/** Sends messages that must all be taken. */
export async function send(transport: QueueTransport, ...messages: readonly WireMessage[]): Promise<void> {
  const outcomes = await transport.send(messages, { signal: never })
  assert.deepEqual(
    outcomes,
    messages.map(() => ({ error: null })),
  )
}

/** The next delivery, which must be there. */
export async function take(bench: ProviderBench, receiver: TransportReceiver): Promise<Delivery> {
  const [delivery, ...more] = await receiver.receive({ maxMessages: 1, ...patient(bench) })
  assert.ok(delivery, 'a message should be there')
  assert.equal(more.length, 0, 'one message was asked for')
  return delivery
}

/** Asserts that nothing is handed out. */
export async function nothing({ time }: ProviderBench, receiver: TransportReceiver): Promise<void> {
  const deliveries = await receiver.receive({ maxMessages: 10, waitMs: time.lookMs, signal: never })
  assert.deepEqual(deliveries.map(textOf), [], 'no message should be there')
}

/** Receives until there are `count` deliveries, of which there must be so many. */
export async function takeAll(bench: ProviderBench, receiver: TransportReceiver, count: number): Promise<Delivery[]> {
  const taken: Delivery[] = []
  while (taken.length < count) {
    const deliveries = await receiver.receive({ maxMessages: Math.min(10, count - taken.length), ...patient(bench) })
    assert.ok(deliveries.length > 0, `${count} messages should be there, and ${taken.length} came`)
    taken.push(...deliveries)
  }
  return taken
}

/** The bodies of `count` messages in the order in which they come, each completed before the next is received. */
export async function handleAll(bench: ProviderBench, receiver: TransportReceiver, count: number): Promise<string[]> {
  const texts: string[] = []
  for (let handled = 0; handled < count; handled += 1) {
    const delivery = await take(bench, receiver)
    texts.push(textOf(delivery))
    await delivery.complete()
  }
  return texts
}

/** Takes the lock of a session, a named one or the next, which must be possible. */
export async function accept(
  bench: ProviderBench,
  transport: QueueTransport,
  sessionId?: string,
): Promise<SessionTransport> {
  const session = await transport.acceptSession?.({ sessionId, ...patient(bench) })
  assert.ok(session, 'a session should be there')
  return session
}

/** The reader of the dead letters, which there must be. */
export function deadLettersOf(transport: QueueTransport): TransportReceiver {
  const receiver = transport.deadLetters?.()
  assert.ok(receiver, 'there should be dead letters')
  return receiver
}

/** Lets a lock that was just taken end. */
export const outlast = ({ time }: ProviderBench, lockMs: number): Promise<void> =>
  time.advance(lockMs + time.lookMs + 1)

export const textOf = ({ message }: Delivery): string => new TextDecoder().decode(message.body)
export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

/** The numbers up to `count`, as texts. */
export const numbers = (count: number): string[] => Array.from({ length: count }, (_, index) => String(index))
