import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { createQueueClient, type QueueClient, QueueError } from '@queue-runtime/core'
import { fakeClock } from '@queue-runtime/core/testing'
import { EncryptionKey, memoryNonceStore, messageCrypto, multiKeyProvider } from '@queue-runtime/crypto'
import { type FaultHook, memoryBroker, memoryProvider } from '@queue-runtime/provider-memory'
import { afterEach, describe, expect, it } from 'vitest'
import {
  forgetGlobals,
  meterRecorder,
  registerContextManager,
  spanRecorder,
  valuesOf,
} from '../../../packages/core/test/telemetry-support.ts'

interface Line {
  readonly level: string
  readonly text: string
  readonly fields: Record<string, unknown>
}

/** A sealed queue whose client tells everything: to a real SDK for metrics, to one for spans, to a logger. */
const setUp = (faults?: FaultHook) => {
  const clock = fakeClock(Date.UTC(2026, 0, 1))
  const broker = memoryBroker({ clock, maxDeliveryCount: 5, faults })
  const metrics = meterRecorder()
  const spans = spanRecorder()
  const lines: Line[] = []
  const write = (level: string) => (fields: Record<string, unknown>, text: string) =>
    void lines.push({ level, text, fields })
  const logger = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
  const key = EncryptionKey.fromBytes(
    'orders-1',
    Uint8Array.from({ length: 32 }, (_, index) => index * 5),
  )
  const crypto = messageCrypto({
    enabled: true,
    keyProvider: multiKeyProvider({ keys: [key] }),
    nonceStore: memoryNonceStore({ clock }),
    plaintextPolicy: 'reject',
  })
  const client: QueueClient = createQueueClient({
    ...{ provider: memoryProvider({ broker }), queue: 'orders', crypto, clock, logger, retry: { jitter: 0 } },
    ...{ meterProvider: metrics.provider, tracerProvider: spans.provider },
  })
  return { clock, broker, client, metrics, spans, lines }
}

afterEach(forgetGlobals)

describe('a trace', () => {
  it('goes from the sender through sealed attributes to the handler, and on to what the handler sends (A21, O9, O10)', async () => {
    registerContextManager()
    const { clock, broker, client, spans } = setUp()
    const tracer = spans.provider.getTracer('application')
    await tracer.startActiveSpan('webhook', async (span) => {
      await client.send({ json: { amount: 7 }, correlationId: 'c-1' })
      span.end()
    })
    const carried = broker.queue('orders').messages()[0]?.attributes.traceparent
    let seen: Readonly<Record<string, string>> = {}
    let inHandler: string | undefined
    const consumer = client.consume(async (message) => {
      seen = message.attributes
      inHandler = trace.getActiveSpan()?.spanContext().traceId
    })
    await clock.advance(0)
    await consumer.close()
    await client.close()

    const [webhook, sent, processed, completed] = ['webhook', 'queue.send', 'queue.process', 'queue.complete'].map(
      spans.named,
    )
    const { traceId } = webhook?.spanContext() ?? {}
    expect(carried).toBe(`00-${traceId}-${sent?.spanContext().spanId}-01`)
    expect([sent, processed, completed].map((span) => span?.spanContext().traceId)).toEqual([traceId, traceId, traceId])
    expect([inHandler, seen]).toEqual([traceId, {}])
    expect(sent?.parentSpanContext?.spanId).toBe(webhook?.spanContext().spanId)
    expect(processed?.parentSpanContext?.spanId).toBe(sent?.spanContext().spanId)
    expect(completed?.parentSpanContext?.spanId).toBe(processed?.spanContext().spanId)
    expect([sent?.kind, processed?.kind]).toEqual([SpanKind.PRODUCER, SpanKind.CONSUMER])
    expect(spans.named('queue.receive').links.map(({ context: linked }) => linked.traceId)).toEqual([traceId])
    // The bytes of the body are in no span.
    expect(JSON.stringify(spans.spans().map(({ attributes }) => attributes))).not.toContain('amount')
  })

  it('is not held up by a header that is none (O10)', async () => {
    const { clock, broker, client, spans } = setUp()
    await client.send({ body: 'x' })
    const [stored] = broker.queue('orders').messages()
    broker.queue('orders').replace(stored?.brokerMessageId ?? '', { attributes: { traceparent: '00-zz' } })
    const consumer = client.consume(() => {})
    await clock.advance(0)
    await consumer.close()
    const processed = spans.named('queue.process')
    expect(processed.parentSpanContext).toBeUndefined()
    await client.close()
  })

  it('has the session as the parent of what happens in it (O9)', async () => {
    const { clock, client, spans } = setUp()
    await client.sendBatch([
      { body: '1', sessionId: 's' },
      { body: '2', sessionId: 's' },
    ])
    const consumer = client.consume(() => {}, { sessions: true })
    await clock.advance(1_000)
    await consumer.close()
    await client.close()
    const session = spans.named('queue.session').spanContext().spanId
    const handled = spans.spans().filter(({ name }) => name === 'queue.process')
    expect(handled.map(({ parentSpanContext }) => parentSpanContext?.spanId)).toEqual([session, session])
  })

  it('says that a handler failed, and not what it said (O9, A23)', async () => {
    const { clock, client, spans, lines } = setUp()
    await client.send({ body: 'x' })
    const consumer = client.consume(() => Promise.reject(new TypeError('secret of the application')))
    await clock.advance(0)
    await consumer.close()
    await client.close()
    const { status, events } = spans.named('queue.process')
    expect([status, events]).toEqual([{ code: SpanStatusCode.ERROR }, []])
    expect(JSON.stringify([spans.spans().map(({ attributes }) => attributes), lines])).not.toContain('secret')
  })
})

describe('what a client counts', () => {
  it('adds up over a life with failures, refusals and an outage (A22, O1, O3, O4)', async () => {
    const { clock, broker, client, metrics, lines } = setUp()
    await client.sendBatch([{ body: 'good' }, { body: 'bad' }, { body: 'poor' }])
    broker.queue('orders').put({ messageId: 'forged', body: new TextEncoder().encode('forged') })
    const consumer = client.consume(
      (message) => {
        if (message.text() === 'bad') throw new Error('x')
        if (message.text() === 'poor') return message.deadLetter({ reason: 'app.poor' })
        return undefined
      },
      { concurrency: 4, onError: () => ({ action: 'abandon', delayMs: 60_000 }) },
    )
    await clock.advance(1_000)
    await client.health()
    await consumer.close()
    const values = await valuesOf(metrics)
    const queue = 'orders'
    expect(values.queue_messages_sent_total).toEqual([
      { attributes: { queue, encrypted: 'true', status: 'success' }, value: 3 },
    ])
    expect(values.queue_messages_received_total).toEqual([{ attributes: { queue, encrypted: 'true' }, value: 3 }])
    expect(values.queue_messages_completed_total).toEqual([{ attributes: { queue }, value: 1 }])
    expect(values.queue_messages_abandoned_total).toEqual([{ attributes: { queue }, value: 1 }])
    expect(values.queue_messages_dead_lettered_total).toEqual([
      { attributes: { queue, reason: 'qr.rejected' }, value: 1 },
      { attributes: { queue, reason: 'other' }, value: 1 },
    ])
    expect(values.queue_crypto_enabled).toEqual([{ attributes: { queue }, value: 1 }])
    expect(values.queue_processing_messages).toEqual([{ attributes: { queue }, value: 0 }])
    expect(values.queue_circuit_breaker_state).toEqual([{ attributes: { queue }, value: 0 }])
    expect(values.queue_depth).toEqual([{ attributes: { queue }, value: 1 }])
    const moved = lines.filter(({ level }) => level === 'error').map(({ text, fields }) => [text, fields.reason])
    expect(moved).toContainEqual(['Message moved to the dead-letter queue', 'qr.rejected'])
    expect(moved).toContainEqual(['Message moved to the dead-letter queue', 'app.poor'])
    await client.close()
  })

  it('shows an outage of the broker, which a consumer waits out without a word to anybody else (O1, A22)', async () => {
    const down = new QueueError('ConnectionFailed', 'The broker does not answer.')
    const { clock, client, metrics } = setUp(({ operation, nth }) =>
      operation === 'receive' && nth <= 2 ? { failBefore: down } : undefined,
    )
    const consumer = client.consume(() => {})
    await clock.advance(60_000)
    await consumer.close()
    const { queue_errors_total: errors } = await valuesOf(metrics)
    const attributes = { queue: 'orders', operation: 'consume', error_type: 'connection_failed' }
    expect(errors).toEqual([{ attributes, value: 2 }])
    await client.close()
  })
})
