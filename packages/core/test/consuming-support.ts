import { createQueueClient, type QueueClient, type QueueClientOptions, QueueError } from '../src/index.ts'
import type { MessageProtection, QueueProvider, Unprotected } from '../src/provider.ts'
import { type FakeClock, fakeClock } from '../src/testing.ts'
import { type Call, type SmallBroker, type SmallBrokerOptions, smallBroker } from './small-broker.ts'

/** A clock that tells how many sleeps are under way. */
export interface WatchedClock extends FakeClock {
  readonly sleepers: number
}

export function watchedClock(): WatchedClock {
  const clock = fakeClock(Date.UTC(2026, 0, 1))
  let sleepers = 0
  return {
    ...clock,
    get sleepers() {
      return sleepers
    },
    async sleep(ms, signal) {
      sleepers += 1
      try {
        await clock.sleep(ms, signal)
      } finally {
        sleepers -= 1
      }
    },
  }
}

/** Opens bodies as `verdict` says; undefined: as they are, without a claim. */
export const protectionOf = (
  verdict: (text: string, deliveryCount: number) => Unprotected | undefined,
): MessageProtection => ({
  open: () => ({
    protect: async ({ body, attributes }) => ({ body, attributes: attributes ?? {}, seal: null }),
    unprotect: async (messages, { signal }) => {
      signal?.throwIfAborted()
      return messages.map(({ body, deliveryCount }) => {
        const opened = { body, seal: null, claim: null }
        return verdict(new TextDecoder().decode(body), deliveryCount) ?? opened
      })
    },
  }),
})

/** The key store cannot be asked. */
export const heldFor = (code: 'KeyProviderError' | 'NonceStoreUnavailable' = 'KeyProviderError'): Unprotected => ({
  error: new QueueError(code, 'down'),
  disposition: { action: 'hold' },
})

export interface Scene {
  readonly clock: WatchedClock
  readonly broker: SmallBroker
  readonly client: QueueClient
  /** What the broker was asked for. */
  readonly calls: Call[]
  /** The texts of the log. */
  readonly lines: string[]
  /** Another client of the same queue. */
  another(options?: Partial<QueueClientOptions>): QueueClient
}

export function setScene(
  options: Omit<SmallBrokerOptions, 'clock'> = {},
  clientOptions: Partial<QueueClientOptions> = {},
): Scene {
  const clock = watchedClock()
  const calls: Call[] = []
  const lines: string[] = []
  const broker = smallBroker({
    ...options,
    clock,
    before: (call) => {
      calls.push(call)
      return options.before?.(call)
    },
  })
  const write = (_: unknown, text: string): void => void lines.push(text)
  const another = (more: Partial<QueueClientOptions> = {}): QueueClient =>
    createQueueClient({
      provider: broker.provider,
      queue: 'orders',
      clock,
      retry: { jitter: 0 },
      logger: { debug: write, info: write, warn: write, error: write },
      ...clientOptions,
      ...more,
    })
  return { clock, broker, calls, lines, client: another(), another }
}

/** A broker that hears no abort while it looks for a session: what it finds comes all the same. */
export const deaf = (provider: QueueProvider): QueueProvider => ({
  name: provider.name,
  open(queue) {
    const transport = provider.open(queue)
    const { signal } = new AbortController()
    return { ...transport, acceptSession: async (options) => transport.acceptSession?.({ ...options, signal }) ?? null }
  },
})

/** A promise that others settle, with `then` to wait for it. */
export const gate = (): PromiseWithResolvers<void> => Promise.withResolvers<void>()

/** Resolves when the signal aborts. */
export const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })

/** What has become of a promise by now. */
export async function stateOf(promise: Promise<unknown>): Promise<'pending' | 'resolved' | 'rejected'> {
  const pending = new Promise<'pending'>((resolve) => setImmediate(() => resolve('pending')))
  return Promise.race([
    promise.then(
      () => 'resolved' as const,
      () => 'rejected' as const,
    ),
    pending,
  ])
}
