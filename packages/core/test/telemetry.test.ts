import { afterEach, describe, expect, it, vi } from 'vitest'
import type { ErrorCode } from '../src/base/error-codes.ts'
import { resolveLogger } from '../src/base/logger.ts'
import { QueueError } from '../src/index.ts'
import { errorLabel } from '../src/provider.ts'
import { errorType } from '../src/telemetry/error-type.ts'
import { lateMeter } from '../src/telemetry/meter.ts'
import { clientMetrics } from '../src/telemetry/metrics.ts'
import { clientTracing } from '../src/telemetry/tracing.ts'
import { forgetGlobals, meterRecorder, registerContextManager, spanRecorder, valuesOf } from './telemetry-support.ts'

afterEach(() => {
  forgetGlobals()
  vi.restoreAllMocks()
})

const SECRET = 'AccountKey=c2VjcmV0 for customer 4711'

const named = (name: string): Error => Object.assign(new Error(SECRET), { name })

/** Anything can be thrown. */
const THROWN: readonly (readonly [unknown, string])[] = [
  [new QueueError('AuthenticationFailed', SECRET), 'authentication_failed'],
  [new QueueError('CircuitOpen', SECRET), 'circuit_open'],
  [new TypeError(SECRET), 'type_error'],
  [new DOMException(SECRET, 'AbortError'), 'abort_error'],
  [named('AWS.SimpleQueueService.NonExistentQueue'), 'aws_simple_queue_service_non_existent_queue'],
  [named('DOMException'), 'dom_exception'],
  [named('Http2Error'), 'http2_error'],
  [named(SECRET), 'error'],
  [named('x'.repeat(65)), 'error'],
  [named(''), 'error'],
  [SECRET, 'string'],
  [undefined, 'undefined'],
  [null, 'object'],
  [{ [Symbol.for('@queue-runtime/QueueError')]: true, code: SECRET }, 'error'],
  [{ [Symbol.for('@queue-runtime/QueueError')]: true, code: { toString: () => 'Timeout' } }, 'error'],
  [
    new Proxy(
      {},
      {
        has: () => true,
        get() {
          throw new Error(SECRET)
        },
      },
    ),
    'error',
  ],
]

describe('what metrics and spans call an error (O1, O2, O9, E4)', () => {
  it.each(THROWN.map(([error, type], index) => ({ error, type, index })))('$index: $type', ({ error, type }) => {
    expect(errorType(error)).toBe(type)
  })

  it.each<ErrorCode>([
    'QueueNotFound',
    'MessageTooLarge',
    'AuthenticationFailed',
    'MessageFromFuture',
    'NonceStoreUnavailable',
  ])('%s is the label that crypto counts it under, too', (code) => {
    expect(errorType({ [Symbol.for('@queue-runtime/QueueError')]: true, code })).toBe(errorLabel(code))
  })

  it('is all that an error leaves in metrics and spans', async () => {
    const [meters, recorder] = [meterRecorder(), spanRecorder()]
    const measured = clientMetrics(lateMeter(meters.provider), 'orders')
    const tracing = clientTracing({ tracerProvider: recorder.provider, system: 'memory', queue: 'orders' })
    const message = { messageId: 'm-1' }
    for (const [error] of THROWN) {
      const work = () => Promise.reject(error)
      measured.failed('process', error)
      tracing.receiving().failed(error)
      tracing.session().end(error)
      const calls = [
        tracing.sending([message], work),
        tracing.processing(message, work),
        tracing.settling('complete', message, work),
      ]
      for (const { status } of await Promise.allSettled(calls)) expect(status).toBe('rejected')
    }
    const spans = recorder.spans()
    // A session that ended with undefined has not failed.
    expect(spans).toHaveLength(5 * THROWN.length)
    const left = spans.map(({ name, status, attributes, events, links }) => ({
      name,
      status,
      attributes,
      events,
      links,
    }))
    const text = JSON.stringify([left, await valuesOf(meters)])
    expect(text).toContain('authentication_failed')
    for (const part of ['AccountKey', 'c2VjcmV0', 'customer', '4711']) expect(text).not.toContain(part)
  })
})

describe('telemetry without an SDK', () => {
  it.each([
    ['prepares nothing: no message is even looked at (O1, O9)', false, []],
    ['and with a context manager looks only for the trace that a message carries (O10)', true, ['attributes']],
  ])('%s', async (_, isRegistered, expected) => {
    if (isRegistered) registerContextManager()
    const tracing = clientTracing({ tracerProvider: undefined, system: 'memory', queue: 'orders' })
    const looked: string[] = []
    const message = {
      get messageId(): string {
        looked.push('messageId')
        return 'm-1'
      },
      get correlationId(): string {
        looked.push('correlationId')
        return 'c-1'
      },
      get attributes(): Record<string, string> {
        looked.push('attributes')
        return {}
      },
    }
    const attributes = { 'x-tenant': 'a' }
    const results = [
      await tracing.sending([message], async (withTrace) => withTrace(attributes)),
      await tracing.processing(message, async () => 'handled'),
      await tracing.settling('complete', message, async () => 'settled'),
    ]
    const receiving = tracing.receiving()
    receiving.brought([message])
    receiving.failed(new Error(SECRET))
    const session = tracing.session()
    session.end()
    expect(results).toEqual([attributes, 'handled', 'settled'])
    expect(results[0]).toBe(attributes)
    expect(tracing.receiving()).toBe(receiving)
    expect(tracing.session()).toBe(session)
    expect(looked).toEqual(expected)
  })
})

describe('loggers (O7)', () => {
  it('print warnings and errors by default, and nothing where they are silenced', () => {
    const printed: unknown[][] = []
    for (const level of ['debug', 'info', 'log', 'warn', 'error'] as const) {
      vi.spyOn(console, level).mockImplementation((...line) => void printed.push([level, ...line]))
    }
    for (const logger of [resolveLogger(undefined), resolveLogger(false)]) {
      for (const level of ['debug', 'info', 'warn', 'error'] as const) logger[level]({ queue_name: 'q' }, level)
    }
    expect(printed).toEqual([
      ['warn', 'warn', { queue_name: 'q' }],
      ['error', 'error', { queue_name: 'q' }],
    ])
  })
})
