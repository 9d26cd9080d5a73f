import { type IncomingMessage, isEncrypted, type QueueContext, type Unprotected } from '@queue-runtime/core/provider'
import { type FakeClock, fakeClock } from '@queue-runtime/core/testing'
import { EncryptionKey, type MessageCryptoOptions, messageCrypto, multiKeyProvider } from '../src/index.ts'

/** The moment that the fixed vectors carry. */
export const NOW = Date.UTC(2026, 0, 1)

export interface LogLine {
  readonly level: string
  readonly text: string
  readonly fields: Record<string, unknown>
}

export interface Recorded {
  readonly context: QueueContext
  readonly clock: FakeClock
  readonly lines: LogLine[]
  readonly counts: { name: string; labels: unknown }[]
  readonly measures: { name: string; value: number; labels: unknown }[]
}

/** A context whose lines and counts can be read. */
export function recordedContext(overrides: Partial<QueueContext> = {}): Recorded {
  const lines: LogLine[] = []
  const counts: { name: string; labels: unknown }[] = []
  const measures: Recorded['measures'] = []
  const measure = (name: string) => ({
    record: (value: number, labels: unknown) => void measures.push({ name, value, labels }),
  })
  const clock = fakeClock(NOW)
  const write = (level: string) => (fields: Record<string, unknown>, text: string) =>
    void lines.push({ level, text, fields })
  const context: QueueContext = {
    queue: 'orders',
    lockMs: undefined,
    maxDeliveries: undefined,
    logger: { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') },
    meter: {
      createCounter: (name) => ({ add: (_, labels) => void counts.push({ name, labels }) }),
      createGauge: measure,
      createHistogram: measure,
    },
    clock,
    ...overrides,
  }
  return { context, clock, lines, counts, measures }
}

export const keyBytes = (first: number): Uint8Array =>
  Uint8Array.from({ length: 32 }, (_, index) => (first + index) % 256)

export const key = (id: string, first = 0, options = {}): EncryptionKey =>
  EncryptionKey.fromBytes(id, keyBytes(first), options)

/** A protection that seals with the key of the vectors. */
export const protectionOf = (options: MessageCryptoOptions = {}, recorded = recordedContext()) => ({
  ...recorded,
  protection: messageCrypto({
    enabled: true,
    keyProvider: multiKeyProvider({ keys: [key('test-key-1')] }),
    plaintextPolicy: 'reject',
    ...options,
  }).open(recorded.context),
})

export const incoming = (body: Uint8Array, fields: Partial<IncomingMessage> = {}): IncomingMessage => ({
  body,
  messageId: 'm-1',
  brokerMessageId: '1',
  sessionId: undefined,
  correlationId: undefined,
  contentType: undefined,
  attributes: {},
  deliveryCount: 1,
  enqueuedAt: undefined,
  lockedUntil: new Date(NOW + 30_000),
  ...fields,
})

/** The body, or a thrown sentence that says why there is none. */
export const opened = (result: Unprotected | undefined): Extract<Unprotected, { body: Uint8Array }> => {
  if (result === undefined || 'error' in result) throw new Error(`not opened: ${result?.error.code}`)
  return result
}

export const refused = (result: Unprotected | undefined): Extract<Unprotected, { error: Error }> => {
  if (result === undefined || !('error' in result)) throw new Error('opened, though it should have been refused')
  return result
}

export const assertSealed = (body: Uint8Array): void => {
  if (!isEncrypted(body)) throw new Error('the body is not sealed')
}

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
