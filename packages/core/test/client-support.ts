import type { ClientParts } from '../src/client-parts.ts'
import { openClient } from '../src/open-client.ts'
import type { Delivery, IncomingMessage, QueueProvider, QueueTransport } from '../src/provider.ts'
import { createTaking, type Taken } from '../src/receiving/taking.ts'
import { createUnsettled } from '../src/settling/unsettled.ts'
import { type FakeClock, fakeClock } from '../src/testing.ts'
import { incoming } from './support.ts'

const done = async (): Promise<void> => {}

/** A delivery that settles; `asked` says how, in order. */
export function scriptedDelivery(
  clock: FakeClock,
  fields: Partial<IncomingMessage> = {},
  lockMs = 30_000,
): { readonly delivery: Delivery; readonly asked: string[] } {
  let until = clock.now() + lockMs
  const asked: string[] = []
  const ask = (name: string) => async (): Promise<void> => void asked.push(name)
  const message = Object.defineProperty(incoming(fields), 'lockedUntil', { get: () => new Date(until) })
  const delivery: Delivery = {
    message,
    complete: ask('complete'),
    abandon: async ({ delayMs }) => void asked.push(`abandon ${delayMs}`),
    deadLetter: async ({ reason }) => void asked.push(`dead-letter ${reason}`),
    async renewLock() {
      asked.push('renew')
      until = clock.now() + lockMs
      return new Date(until)
    },
  }
  return { delivery, asked }
}

/** A transport that has nothing, unless the test says what. */
export const transportOf = (methods: Partial<QueueTransport> = {}): QueueTransport => ({
  lockMs: 30_000,
  features: { deliverAt: true, timeToLive: true, abandonDelay: true, sessionIds: 'allowed' },
  send: async (messages) => messages.map(() => ({ error: null })),
  receive: async () => [],
  close: done,
  ...methods,
})

export const providerOf = (transport: QueueTransport): QueueProvider => ({ name: 'scripted', open: () => transport })

/** The parts of a client without a broker, and opened messages to use them on. */
export function memoryless(methods: Partial<QueueTransport> = {}): {
  readonly clock: FakeClock
  readonly parts: ClientParts
  taken(fields?: Partial<IncomingMessage>, lockMs?: number): Taken & { readonly asked: string[] }
} {
  const clock = fakeClock(Date.UTC(2026, 0, 1))
  const provider = providerOf(transportOf(methods))
  const options = { provider, queue: 'orders', clock, logger: false, retry: { jitter: 0 } } as const
  const { parts } = openClient(options, new AbortController().signal)
  const taking = createTaking({ queue: 'orders', watch: parts.watch, unsettled: createUnsettled(clock) })
  return {
    clock,
    parts,
    taken(fields, lockMs) {
      const { delivery, asked } = scriptedDelivery(clock, fields, lockMs)
      const verdict = { body: delivery.message.body, seal: null, claim: null }
      return { ...taking.take({ delivery, verdict }), asked }
    },
  }
}
