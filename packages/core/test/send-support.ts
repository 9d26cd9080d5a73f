import { createQueueClient, type QueueClient, type QueueClientOptions, QueueError, type Seal } from '../src/index.ts'
import type { MessageProtection, QueueTransport, UnprotectedMessage, WireMessage } from '../src/provider.ts'
import { type FakeClock, fakeClock } from '../src/testing.ts'
import { providerOf, transportOf } from './client-support.ts'

/** What a transport answers to one call: an error, or null, for each message; or what it throws. */
export type Answer =
  | readonly (QueueError | null)[]
  | Error
  | ((wire: readonly WireMessage[], signal: AbortSignal) => Promise<readonly (QueueError | null)[]>)

/** One call of `transport.send`. */
interface SendCall {
  /** Milliseconds since the test began. */
  readonly at: number
  readonly wire: readonly WireMessage[]
}

export interface SendingBench {
  readonly clock: FakeClock
  readonly client: QueueClient
  readonly calls: SendCall[]
  /** What is written to the log. */
  readonly lines: { level: string; text: string; fields: Record<string, unknown> }[]
  /** The message ids of each call. */
  ids(): string[][]
}

const START = Date.UTC(2026, 0, 1)

/** A client whose transport answers as it is told, and takes everything after that. Pauses are exact. */
export function sendingBench(
  answers: readonly Answer[] = [],
  options: Partial<QueueClientOptions> = {},
  methods: Partial<QueueTransport> = {},
): SendingBench {
  const clock = fakeClock(START)
  const calls: SendCall[] = []
  const lines: SendingBench['lines'] = []
  const left = [...answers]
  const write = (level: string) => (fields: Record<string, unknown>, text: string) =>
    void lines.push({ level, text, fields })
  const transport = transportOf({
    async send(wire, { signal }) {
      calls.push({ at: clock.now() - START, wire })
      const answer = left.shift() ?? wire.map(() => null)
      if (answer instanceof Error) throw answer
      const errors = typeof answer === 'function' ? await answer(wire, signal) : answer
      return errors.map((error) => ({ error }))
    },
    ...methods,
  })
  const client = createQueueClient({
    ...{ provider: providerOf(transport), queue: 'orders', clock, retry: { jitter: 0 } },
    logger: { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') },
    ...options,
  })
  return { clock, client, calls, lines, ids: () => calls.map(({ wire }) => wire.map(({ messageId }) => messageId)) }
}

export const connectionFailed = (): QueueError => new QueueError('ConnectionFailed', 'The broker does not answer.')
export const throttled = (retryAfterMs?: number): QueueError =>
  new QueueError('Throttled', 'Slow down.', { retryAfterMs })
export const permissionDenied = (): QueueError => new QueueError('PermissionDenied', 'You may not send.')

/** Messages whose ids are these. `a@s` is `a` in session `s`. */
export const messagesOf = (...names: readonly string[]): { body: string; messageId: string; sessionId?: string }[] =>
  names.map((name) => {
    const [messageId = '', sessionId] = name.split('@')
    return { body: messageId, messageId, ...(sessionId !== undefined && { sessionId }) }
  })

const SEAL: Seal = { keyId: 'k', encryptedAt: new Date(START), audience: undefined, attributes: {} }

/** Seals with no key: the marker, how many were sealed before, and the body. `before` runs first. */
export function markingProtection(
  before: (message: UnprotectedMessage, signal: AbortSignal | undefined) => Promise<void> | void = () => {},
): MessageProtection & { readonly sealed: () => number } {
  let sealed = 0
  return {
    sealed: () => sealed,
    open: () => ({
      async protect(message, { signal }) {
        await before(message, signal)
        sealed += 1
        const body = Buffer.concat([Buffer.from(`QRE1${sealed}:`), message.body])
        return { body, attributes: message.attributes ?? {}, seal: SEAL }
      },
      unprotect: async (messages) => messages.map(({ body }) => ({ body, seal: null, claim: null })),
    }),
  }
}

/** What a promise came to until now. */
export async function outcomeOf<T>(work: Promise<T>): Promise<{ value: T } | { error: unknown } | 'pending'> {
  const pending = new Promise<'pending'>((resolve) => setImmediate(() => setImmediate(() => resolve('pending'))))
  return Promise.race([
    work.then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    ),
    pending,
  ])
}
