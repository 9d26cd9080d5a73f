import { setImmediate as laterOn } from 'node:timers/promises'
import {
  type Context,
  context,
  diag,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import { AlwaysOffSampler, ParentBasedSampler, type ReadableSpan } from '@opentelemetry/sdk-trace'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { QueueError } from '../src/index.ts'
import { extract } from '../src/telemetry/trace-context.ts'
import { clientTracing, outsideSpan } from '../src/telemetry/tracing.ts'
import { forgetGlobals, registerContextManager, spanRecorder } from './telemetry-support.ts'

afterEach(() => {
  forgetGlobals()
  vi.useRealTimers()
})

const REMOTE: SpanContext = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 }
const ANOTHER: SpanContext = { ...REMOTE, traceId: '1'.repeat(32), spanId: '2'.repeat(16) }

const headers = ({ traceId, spanId, traceFlags }: SpanContext) => ({
  traceparent: `00-${traceId}-${spanId}-0${traceFlags}`,
})

const traced = (messageId: string, from: SpanContext | undefined) => ({
  messageId,
  attributes: from === undefined ? {} : headers(from),
})

const setUp = (...[sampler]: Parameters<typeof spanRecorder>) => {
  const recorder = spanRecorder(sampler)
  const tracing = clientTracing({ tracerProvider: recorder.provider, system: 'memory', queue: 'orders' })
  const application = recorder.provider.getTracer('application')
  /** Runs work inside a span of the application. */
  const inSpan = async <T>(work: () => Promise<T>): Promise<T> =>
    application.startActiveSpan('application', async (span) => work().finally(() => span.end()))
  return { ...recorder, tracing, application, inSpan }
}

const nothing = async (): Promise<void> => {}

/** The place of a span: its trace and the span above it. */
const placeOf = (span: ReadableSpan) => ({
  traceId: span.spanContext().traceId,
  parent: span.parentSpanContext?.spanId,
})

const below = (parent: SpanContext) => ({ traceId: parent.traceId, parent: parent.spanId })

const linked = (span: ReadableSpan): string[] => span.links.map((link) => link.context.spanId)

const PLACE = {
  'messaging.system': 'memory',
  'messaging.system.name': 'memory',
  'messaging.destination.name': 'orders',
}

const work = (type: string, name: string = type) => ({
  ...{ 'messaging.operation': type, 'messaging.operation.type': type, 'messaging.operation.name': name },
})

const ONE = { 'messaging.message.id': 'm-1', 'messaging.message.conversation_id': 'c-1' }

const SPANS: Record<string, { kind: SpanKind; attributes: object }> = {
  'queue.send': { kind: SpanKind.PRODUCER, attributes: { ...PLACE, ...work('send'), ...ONE } },
  'queue.receive': { kind: SpanKind.CONSUMER, attributes: { ...PLACE, ...work('receive'), ...ONE } },
  'queue.process': { kind: SpanKind.CONSUMER, attributes: { ...PLACE, ...work('process'), ...ONE } },
  'queue.complete': { kind: SpanKind.CLIENT, attributes: { ...PLACE, ...work('settle', 'complete'), ...ONE } },
  'queue.abandon': { kind: SpanKind.CLIENT, attributes: { ...PLACE, ...work('settle', 'abandon'), ...ONE } },
  'queue.dead_letter': { kind: SpanKind.CLIENT, attributes: { ...PLACE, ...work('settle', 'dead_letter'), ...ONE } },
  'queue.session': { kind: SpanKind.INTERNAL, attributes: { ...PLACE, ...work('session') } },
}

describe('the spans of a client', () => {
  it('have the names, kinds and attributes of the conventions, and no others (O9, A21)', async () => {
    const { tracing, spans } = setUp()
    const message = {
      ...{ messageId: 'm-1', correlationId: 'c-1', sessionId: 'secret-session', body: new Uint8Array(3) },
      attributes: { tenant: 'secret-tenant' },
    }
    await tracing.sending([message], nothing)
    tracing.receiving().brought([message])
    await tracing.processing(message, nothing)
    for (const operation of ['complete', 'abandon', 'deadLetter'] as const) {
      await tracing.settling(operation, message, nothing)
    }
    tracing.session().end()
    const found = spans().map(({ name, kind, attributes }) => [name, { kind, attributes }])
    expect(Object.fromEntries(found)).toEqual(SPANS)
    for (const { status } of spans()) expect(status).toEqual({ code: SpanStatusCode.UNSET })
    expect(new Set(spans().map((span) => span.instrumentationScope.name))).toEqual(new Set(['@queue-runtime/core']))
  })

  it('tell of several messages how many they are, and no ids (O9)', async () => {
    const { tracing, named } = setUp()
    const messages = ['m-1', 'm-2'].map((messageId) => ({ messageId, correlationId: 'c-1' }))
    await tracing.sending(messages, nothing)
    tracing.receiving().brought(messages)
    const count = { 'messaging.batch.message_count': 2 }
    expect(named('queue.send').attributes).toEqual({ ...PLACE, ...work('send'), ...count })
    expect(named('queue.receive').attributes).toEqual({ ...PLACE, ...work('receive'), ...count })
  })

  it('give what the work gives, and what it throws, unchanged', async () => {
    const { tracing } = setUp()
    const thrown = new Error('mine')
    const message = { messageId: 'm-1' }
    expect(await tracing.sending([message], async () => 'sent')).toBe('sent')
    expect(await tracing.processing(message, async () => 'handled')).toBe('handled')
    expect(await tracing.settling('complete', message, async () => 'settled')).toBe('settled')
    const fail = async (): Promise<never> => {
      throw thrown
    }
    await expect(tracing.sending([message], fail)).rejects.toBe(thrown)
    await expect(tracing.processing(message, fail)).rejects.toBe(thrown)
    await expect(tracing.settling('abandon', message, fail)).rejects.toBe(thrown)
  })

  it('say that a call failed and how, never in the words of the error (O9)', async () => {
    const { tracing, spans } = setUp()
    const message = { messageId: 'm-1' }
    const errors = [new QueueError('ConnectionFailed', 'secret'), new TypeError('secret')]
    for (const error of errors) {
      const fail = () => Promise.reject(error)
      await tracing.sending([message], fail).catch(() => {})
      tracing.receiving().failed(error)
      await tracing.processing(message, fail).catch(() => {})
      await tracing.settling('complete', message, fail).catch(() => {})
      tracing.session().end(error)
    }
    const types = spans().map(({ status, attributes, events }) => {
      expect(status).toEqual({ code: SpanStatusCode.ERROR })
      expect(events).toEqual([])
      return attributes['error.type']
    })
    expect(types).toEqual([...Array(5).fill('connection_failed'), ...Array(5).fill('type_error')])
  })
})

describe('a send (O9, O10)', () => {
  beforeEach(registerContextManager)

  it('hangs below the active span and hands its own context to every message', async () => {
    const { tracing, named, inSpan } = setUp()
    const carried: (SpanContext | undefined)[] = []
    await inSpan(() =>
      tracing.sending([{ messageId: 'm-1' }, { messageId: 'm-2' }], async (withTrace) => {
        await laterOn()
        carried.push(extract(withTrace({ tenant: 'a' })), extract(withTrace({})))
      }),
    )
    const { traceId, spanId } = named('queue.send').spanContext()
    expect(placeOf(named('queue.send'))).toEqual(below(named('application').spanContext()))
    expect(carried).toMatchObject([
      { traceId, spanId, traceFlags: 1 },
      { traceId, spanId, traceFlags: 1 },
    ])
  })

  it('and a settlement are what the spans of the SDKs below them belong to', async () => {
    const { tracing, named } = setUp()
    const parents: Record<string, string | undefined> = {}
    const look = async (name: string): Promise<void> => {
      await laterOn()
      parents[name] = trace.getActiveSpan()?.spanContext().spanId
    }
    await tracing.sending([{ messageId: 'm-1' }], () => look('queue.send'))
    await tracing.settling('complete', { messageId: 'm-1' }, () => look('queue.complete'))
    for (const [name, spanId] of Object.entries(parents)) expect(named(name).spanContext().spanId).toBe(spanId)
    expect(Object.keys(parents)).toEqual(['queue.send', 'queue.complete'])
  })

  it('keeps the other attributes', async () => {
    const { tracing } = setUp()
    await tracing.sending([{ messageId: 'm-1' }], async (withTrace) => {
      expect(withTrace({ tenant: 'a' })).toEqual({ tenant: 'a', traceparent: expect.any(String) })
    })
  })

  it('is linked to the trace of a message that is sent again, which it replaces', async () => {
    const { tracing, named } = setUp()
    const letter = traced('m-1', REMOTE)
    const carried = await tracing.sending([letter], async (withTrace) => extract(withTrace(letter.attributes)))
    expect(linked(named('queue.send'))).toEqual([REMOTE.spanId])
    expect(carried).toMatchObject({ spanId: named('queue.send').spanContext().spanId })
  })

  it('says downstream that nothing is sampled where nothing is (O10)', async () => {
    const { tracing, spans } = setUp(new AlwaysOffSampler())
    const carried = await tracing.sending([{ messageId: 'm-1' }], async (withTrace) => withTrace({}))
    expect(extract(carried)).toMatchObject({ traceFlags: 0 })
    expect(spans()).toEqual([])
  })

  it('carries the state of the trace on', async () => {
    const { tracing } = setUp()
    const message = { messageId: 'm-1', attributes: { ...headers(REMOTE), tracestate: 'congo=t61,rojo=00f' } }
    const carried = await tracing.processing(message, () =>
      tracing.sending([{ messageId: 'm-2' }], async (withTrace) => withTrace({})),
    )
    expect(carried).toMatchObject({ tracestate: 'congo=t61,rojo=00f' })
    expect(extract(carried)).toMatchObject({ traceId: REMOTE.traceId })
  })
})

/** A moment that the SDK cannot take for one of `performance.now()`, as it does with small numbers. */
const NOON = Date.UTC(2026, 0, 1, 12)

describe('a receive (O9)', () => {
  beforeEach(registerContextManager)

  it('links the traces that it brought, each with its message, and is as long as the wait for them', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: NOON })
    const { tracing, named, inSpan } = setUp()
    await inSpan(async () => {
      const receiving = tracing.receiving()
      vi.setSystemTime(NOON + 2_500)
      receiving.brought([traced('m-1', REMOTE), traced('m-2', undefined), traced('m-3', ANOTHER)])
    })
    const span = named('queue.receive')
    expect(placeOf(span)).toEqual(below(named('application').spanContext()))
    expect(span.links).toMatchObject([
      { context: REMOTE, attributes: { 'messaging.message.id': 'm-1' } },
      { context: ANOTHER, attributes: { 'messaging.message.id': 'm-3' } },
    ])
    expect([span.startTime, span.endTime]).toEqual([
      [NOON / 1_000, 0],
      [NOON / 1_000 + 2, 5e8],
    ])
  })

  it('that brings nothing leaves no span, however often it is tried', () => {
    const { tracing, spans } = setUp()
    for (let look = 0; look < 10; look++) tracing.receiving().brought([])
    expect(spans()).toEqual([])
  })
})

describe('a handler', () => {
  describe('with a context manager', () => {
    beforeEach(registerContextManager)

    it('runs below the trace of its message, and the spans of the application below its own (O9, O10, A21)', async () => {
      const { tracing, named, inSpan } = setUp()
      await tracing.processing(traced('m-1', REMOTE), async () => {
        await laterOn()
        await inSpan(nothing)
      })
      expect(placeOf(named('queue.process'))).toEqual(below(REMOTE))
      expect(placeOf(named('application'))).toEqual(below(named('queue.process').spanContext()))
      expect(linked(named('queue.process'))).toEqual([])
    })

    it.each([
      ['without a header', {}],
      ['with a malformed header', { traceparent: 'ff-nonsense', tracestate: 'a=1' }],
    ])('starts a new trace for a message %s, whatever is active around it (O10)', async (_, attributes) => {
      const { tracing, named, inSpan } = setUp()
      await inSpan(() => tracing.processing({ messageId: 'm-1', attributes }, nothing))
      expect(placeOf(named('queue.process')).parent).toBeUndefined()
      expect(placeOf(named('queue.process')).traceId).not.toBe(named('application').spanContext().traceId)
    })

    it('is not recorded where the sender decided so, and tells those after it (O10)', async () => {
      const { tracing, spans } = setUp(new ParentBasedSampler({ root: new AlwaysOffSampler() }))
      const message = traced('m-1', { ...REMOTE, traceFlags: 0 })
      const carried = await tracing.processing(message, () =>
        tracing.sending([{ messageId: 'm-2' }], async (withTrace) => extract(withTrace({}))),
      )
      expect(carried).toMatchObject({ traceId: REMOTE.traceId, traceFlags: 0 })
      expect(spans()).toEqual([])
    })

    it('hangs below its session, with a link to the trace of its message (O9)', async () => {
      const { tracing, named, inSpan } = setUp()
      const session = tracing.session()
      await tracing.processing(traced('m-1', REMOTE), () => inSpan(nothing), session.context)
      session.end()
      expect(placeOf(named('queue.process'))).toEqual(below(named('queue.session').spanContext()))
      expect(placeOf(named('application'))).toEqual(below(named('queue.process').spanContext()))
      expect(linked(named('queue.process'))).toEqual([REMOTE.spanId])
    })

    it('keeps what else is in the context that it was started in', async () => {
      const { tracing } = setUp()
      const key = Symbol('baggage')
      const seen = await context.with(ROOT_CONTEXT.setValue(key, 'kept'), () =>
        tracing.processing(traced('m-1', REMOTE), async () => context.active().getValue(key)),
      )
      expect(seen).toBe('kept')
    })
  })

  it('runs without a context manager, too', async () => {
    const { tracing, named } = setUp()
    const result = await tracing.processing(traced('m-1', REMOTE), async () => trace.getActiveSpan())
    expect(result).toBeUndefined()
    expect(placeOf(named('queue.process'))).toEqual(below(REMOTE))
  })
})

describe('a settlement (O9)', () => {
  const message = () => traced('m-1', REMOTE)

  it.each([
    ['with a context manager', true],
    ['without one', false],
  ])('hangs below the handler, also after it returned and whatever is active then: %s', async (_, isRegistered) => {
    if (isRegistered) registerContextManager()
    const { tracing, spans, named, inSpan } = setUp()
    const [one] = [message()]
    await inSpan(async () => {
      await tracing.processing(one, () => tracing.settling('abandon', one, nothing))
      await tracing.settling('complete', one, nothing)
    })
    const parent = named('queue.process').spanContext()
    for (const name of ['queue.abandon', 'queue.complete']) {
      expect(placeOf(named(name))).toEqual(below(parent))
      expect(linked(named(name))).toEqual([REMOTE.spanId])
    }
    expect(spans()).toHaveLength(4)
  })

  it('hangs below the span that the application opened in the handler', async () => {
    registerContextManager()
    const { tracing, named, inSpan } = setUp()
    const one = message()
    await tracing.processing(one, () => inSpan(() => tracing.settling('complete', one, nothing)))
    expect(placeOf(named('queue.complete'))).toEqual(below(named('application').spanContext()))
  })

  it('of a message without a handler hangs below the active span, with a link to its trace', async () => {
    registerContextManager()
    const { tracing, named, inSpan } = setUp()
    await inSpan(() => tracing.settling('complete', message(), nothing))
    expect(placeOf(named('queue.complete'))).toEqual(below(named('application').spanContext()))
    expect(linked(named('queue.complete'))).toEqual([REMOTE.spanId])
  })

  it('hangs below the trace of its message where no span is active', async () => {
    registerContextManager()
    const { tracing, named } = setUp()
    await tracing.settling('deadLetter', message(), nothing)
    expect(placeOf(named('queue.dead_letter'))).toEqual(below(REMOTE))
    expect(linked(named('queue.dead_letter'))).toEqual([])
  })

  it('by hand in a session hangs below the session', async () => {
    registerContextManager()
    const { tracing, named, inSpan } = setUp()
    const session = tracing.session()
    const one = message()
    tracing.receiving(session.context).brought([one])
    await inSpan(() => tracing.settling('complete', one, nothing))
    session.end()
    const parent = named('queue.session').spanContext()
    expect(placeOf(named('queue.receive'))).toEqual(below(parent))
    expect(placeOf(named('queue.complete'))).toEqual(below(parent))
  })
})

describe('a session span (O9)', () => {
  it('hangs below the active span and ends once', async () => {
    registerContextManager()
    const complain = vi.fn()
    diag.setLogger({ error: complain, warn: complain, info: nothing, debug: nothing, verbose: nothing })
    const { tracing, named, inSpan } = setUp()
    await inSpan(async () => {
      const session = tracing.session()
      session.end(new QueueError('SessionLockLost', 'secret'))
      session.end()
      session.end(new Error('later'))
    })
    diag.disable()
    expect(complain).not.toHaveBeenCalled()
    const span = named('queue.session')
    expect(placeOf(span)).toEqual(below(named('application').spanContext()))
    expect(span.attributes['error.type']).toBe('session_lock_lost')
  })
})

describe('work that outlives its caller', () => {
  it('is not part of the trace of its caller', async () => {
    registerContextManager()
    const { tracing, named, inSpan } = setUp()
    const key = Symbol('baggage')
    const seen = await context.with(ROOT_CONTEXT.setValue(key, 'kept'), () =>
      inSpan(() =>
        outsideSpan(async () => {
          await laterOn()
          tracing.receiving().brought([{ messageId: 'm-1' }])
          return context.active().getValue(key)
        }),
      ),
    )
    expect(placeOf(named('queue.receive')).parent).toBeUndefined()
    expect(seen).toBe('kept')
    expect(outsideSpan(() => 'as it is')).toBe('as it is')
  })
})

describe('an SDK', () => {
  it('that is registered after the client was made gets every span from then on', async () => {
    const tracing = clientTracing({ tracerProvider: undefined, system: 'memory', queue: 'orders' })
    const message = { messageId: 'm-1' }
    await tracing.sending([message], nothing)
    const { provider, spans } = spanRecorder()
    trace.setGlobalTracerProvider(provider)
    await tracing.sending([message], nothing)
    await tracing.processing(message, nothing)
    expect(spans().map(({ name }) => name)).toEqual(['queue.send', 'queue.process'])
  })

  it('that takes the place of another one gets them, too, and one that goes away gets none', async () => {
    const tracing = clientTracing({ tracerProvider: undefined, system: 'memory', queue: 'orders' })
    const [first, second] = [spanRecorder(), spanRecorder()]
    for (const { provider } of [first, second]) {
      trace.setGlobalTracerProvider(provider)
      await tracing.sending([{ messageId: 'm-1' }], nothing)
      trace.disable()
    }
    await tracing.sending([{ messageId: 'm-1' }], nothing)
    expect([first.spans().length, second.spans().length]).toEqual([1, 1])
  })

  it('of one client is not that of another one (C22)', async () => {
    const [own, global] = [setUp(), spanRecorder()]
    trace.setGlobalTracerProvider(global.provider)
    await own.tracing.sending([{ messageId: 'm-1' }], nothing)
    expect([own.spans().length, global.spans().length]).toEqual([1, 0])
  })

  it('may be handed in as the registered provider, whoever stands behind it later', async () => {
    const tracing = clientTracing({ tracerProvider: trace.getTracerProvider(), system: 'memory', queue: 'orders' })
    await tracing.sending([{ messageId: 'm-1' }], nothing)
    const { provider, spans } = spanRecorder()
    trace.setGlobalTracerProvider(provider)
    await tracing.sending([{ messageId: 'm-1' }], nothing)
    expect(spans()).toHaveLength(1)
  })
})

describe('without an SDK', () => {
  const silent = () => clientTracing({ tracerProvider: undefined, system: 'memory', queue: 'orders' })
  const sendOne = (place?: Context) => (tracing: ReturnType<typeof silent>) =>
    tracing.processing(
      { messageId: 'm-1', attributes: { ...headers(REMOTE), tracestate: 'a=1' } },
      async () => {
        await laterOn()
        return tracing.sending([{ messageId: 'm-2' }], async (withTrace) => withTrace({ tenant: 'a' }))
      },
      place,
    )

  it('a trace that comes in goes out again, where the application registered a context manager (O10)', async () => {
    registerContextManager()
    const passedOn = { tenant: 'a', ...headers(REMOTE), tracestate: 'a=1' }
    expect(await sendOne()(silent())).toEqual(passedOn)
    const tracing = silent()
    expect(await sendOne(tracing.session().context)(tracing)).toEqual(passedOn)
  })

  it('all works as before, where it did not', async () => {
    expect(await sendOne()(silent())).toEqual({ tenant: 'a' })
  })

  it('a message without a trace does not get that of the message before it', async () => {
    registerContextManager()
    const tracing = silent()
    const carried = await tracing.processing(traced('m-1', REMOTE), () =>
      tracing.processing(traced('m-2', undefined), () =>
        tracing.sending([{ messageId: 'm-3' }], async (withTrace) => withTrace({})),
      ),
    )
    expect(carried).toEqual({})
  })

  it('errors pass through', async () => {
    const thrown = new Error('mine')
    const fail = () => Promise.reject(thrown)
    const calls = [
      silent().sending([{ messageId: 'm-1' }], fail),
      silent().processing({ messageId: 'm-1' }, fail),
      silent().settling('complete', { messageId: 'm-1' }, fail),
    ]
    for (const call of calls) await expect(call).rejects.toBe(thrown)
  })
})
