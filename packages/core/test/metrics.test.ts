import { readdirSync, readFileSync } from 'node:fs'
import { metrics } from '@opentelemetry/api'
import type { MetricData } from '@opentelemetry/sdk-metrics'
import { afterEach, describe, expect, it } from 'vitest'
import { lateMeter } from '../src/telemetry/meter.ts'
import { clientMetrics } from '../src/telemetry/metrics.ts'
import { INSTRUMENTS, kindOf, measureAll } from './instruments.ts'
import { forgetGlobals, meterRecorder, valuesOf } from './telemetry-support.ts'

afterEach(forgetGlobals)

const recorded = () => {
  const recorder = meterRecorder()
  return { recorder, measured: clientMetrics(lateMeter(recorder.provider), 'orders') }
}

const boundariesOf = (data: MetricData): number[] | undefined => {
  const value: unknown = data.dataPoints[0]?.value
  if (typeof value !== 'object' || value === null || !('buckets' in value)) return undefined
  return (value as { buckets: { boundaries: number[] } }).buckets.boundaries
}

describe('the metrics of a client', () => {
  it('have the names, kinds, units, labels and buckets of the specification, and no ids (O1, O3, O4, O6, A22)', async () => {
    const { recorder, measured } = recorded()
    measureAll(measured)
    const data = await recorder.read()
    const found = data.map((one) => [
      one.descriptor.name,
      {
        ...{ type: kindOf(one), unit: one.descriptor.unit, boundaries: boundariesOf(one) },
        labels: one.dataPoints.map(({ attributes }) => Object.keys(attributes).sort()),
        isDescribed: one.descriptor.description !== '',
      },
    ])
    const expected = Object.entries(INSTRUMENTS).map(([name, { type, labels = [], boundaries }]) => [
      name,
      {
        ...{ type, unit: boundaries === undefined ? '' : 's', boundaries },
        labels: [[...labels, 'queue'].sort()],
        isDescribed: true,
      },
    ])
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(expected))
  })

  it('count what they are told (O1, O3)', async () => {
    const { recorder, measured } = recorded()
    measureAll(measured)
    measured.sent(false, 'error')
    measured.gate(2)
    measured.depth(3)
    const queue = { queue: 'orders' }
    expect(await valuesOf(recorder)).toMatchObject({
      queue_messages_sent_total: [
        { attributes: { ...queue, encrypted: 'true', status: 'success' }, value: 1 },
        { attributes: { ...queue, encrypted: 'false', status: 'error' }, value: 1 },
      ],
      queue_messages_received_total: [{ attributes: { ...queue, encrypted: 'false' }, value: 1 }],
      queue_messages_completed_total: [{ attributes: queue, value: 1 }],
      queue_messages_abandoned_total: [{ attributes: queue, value: 1 }],
      queue_retry_attempts_total: [{ attributes: queue, value: 1 }],
      queue_sessions_accepted_total: [{ attributes: queue, value: 1 }],
      queue_sessions_closed_total: [{ attributes: queue, value: 1 }],
      queue_active_sessions: [{ attributes: queue, value: 0 }],
      queue_processing_messages: [{ attributes: queue, value: 1 }],
      queue_crypto_enabled: [{ attributes: queue, value: 0 }],
      queue_circuit_breaker_state: [{ attributes: queue, value: 2 }],
      queue_depth: [{ attributes: queue, value: 3 }],
    })
  })

  it('put a duration into the histogram that it belongs to (O4)', async () => {
    const { recorder, measured } = recorded()
    const durations = { send: 0.005, receive: 15, complete: 0.5, message_processing: 200, session: 2_000 }
    measured.sendTook(durations.send)
    measured.receiveTook(durations.receive)
    measured.completeTook(durations.complete)
    measured.handlingTook(durations.message_processing)
    measured.sessionAccepted()
    measured.sessionClosed(durations.session)
    measured.retried(4)
    const values = await valuesOf(recorder)
    const expected = Object.entries(durations).map(([name, sum]) => [
      `queue_${name}_duration_seconds`,
      [{ value: { sum } }],
    ])
    expect(values).toMatchObject({
      ...Object.fromEntries(expected),
      queue_retry_delay_seconds: [{ value: { sum: 4 } }],
    })
  })
})

describe('the reasons of dead letters (O1, O6)', () => {
  const countsOf = async (reasons: readonly string[]): Promise<Record<string, unknown>> => {
    const { recorder, measured } = recorded()
    for (const reason of reasons) measured.deadLettered(reason)
    const { queue_messages_dead_lettered_total: points = [] } = await valuesOf(recorder)
    return Object.fromEntries(
      (points as { attributes: { reason: string }; value: number }[]).map((point) => [
        point.attributes.reason,
        point.value,
      ]),
    )
  }

  it('are labels where the library gives them; all that others give are counted as one', async () => {
    const invented = Array.from({ length: 1_000 }, (_, index) => `qr.order-${index}`)
    const counts = await countsOf(['qr.expired', 'qr.rejected', 'qr.expired', 'order 4711 is broken', '', ...invented])
    expect(counts).toEqual({ 'qr.expired': 2, 'qr.rejected': 1, other: 1_002 })
  })

  it('are all known here, whichever package of the house gives them', async () => {
    const packages = new URL('../../', import.meta.url)
    const sources = readdirSync(packages, { recursive: true, encoding: 'utf8' }).filter((path) =>
      /^[a-z-]+\/src\/.*\.ts$/.test(path),
    )
    const given = new Set(
      sources.flatMap((path) =>
        [...readFileSync(new URL(path, packages), 'utf8').matchAll(/'(qr\.[a-z-]+)'/g)].map(
          ([, reason = '']) => reason,
        ),
      ),
    )
    expect(given.size).toBeGreaterThan(4)
    expect(await countsOf([...given])).toEqual(Object.fromEntries([...given].map((reason) => [reason, 1])))
  })
})

describe('the levels of a process', () => {
  it('add up over the clients of a queue and do not overwrite each other (O3)', async () => {
    const recorder = meterRecorder()
    const [one, two] = [1, 2].map(() => clientMetrics(lateMeter(recorder.provider), 'orders'))
    const other = clientMetrics(lateMeter(recorder.provider), 'invoices')
    one?.sessionAccepted()
    two?.sessionAccepted()
    two?.sessionAccepted()
    other.sessionAccepted()
    one?.sessionClosed(1)
    for (const client of [one, two]) client?.handling(1)
    expect(await valuesOf(recorder)).toMatchObject({
      queue_active_sessions: [
        { attributes: { queue: 'orders' }, value: 2 },
        { attributes: { queue: 'invoices' }, value: 1 },
      ],
      queue_processing_messages: [{ attributes: { queue: 'orders' }, value: 2 }],
    })
  })

  it('count what was there before the application registered its SDK, and never fall below zero', async () => {
    const measured = clientMetrics(lateMeter(undefined), 'orders')
    measured.handling(1)
    measured.handling(1)
    measured.handling(1)
    const recorder = meterRecorder()
    metrics.setGlobalMeterProvider(recorder.provider)
    measured.handling(-1)
    expect(await valuesOf(recorder)).toMatchObject({ queue_processing_messages: [{ value: 2 }] })
    measured.handling(-1)
    measured.handling(-1)
    expect(await valuesOf(recorder)).toMatchObject({ queue_processing_messages: [{ value: 0 }] })
  })
})

describe('an SDK that is registered after the client was made', () => {
  it('is given every instrument, though each was used before', async () => {
    const measured = clientMetrics(lateMeter(undefined), 'orders')
    measureAll(measured)
    const recorder = meterRecorder()
    metrics.setGlobalMeterProvider(recorder.provider)
    measureAll(measured)
    const names = (await recorder.read()).map(({ descriptor }) => descriptor.name)
    expect(names.sort()).toEqual(Object.keys(INSTRUMENTS).sort())
  })

  it('takes the place of one that was there before', async () => {
    const measured = clientMetrics(lateMeter(undefined), 'orders')
    const [first, second] = [meterRecorder(), meterRecorder()]
    metrics.setGlobalMeterProvider(first.provider)
    measured.completed()
    metrics.disable()
    metrics.setGlobalMeterProvider(second.provider)
    measured.completed()
    measured.completed()
    expect(await valuesOf(first)).toMatchObject({ queue_messages_completed_total: [{ value: 1 }] })
    expect(await valuesOf(second)).toMatchObject({ queue_messages_completed_total: [{ value: 2 }] })
  })

  it('does not touch clients that were given one of their own (C22)', async () => {
    const [own, global] = [meterRecorder(), meterRecorder()]
    metrics.setGlobalMeterProvider(global.provider)
    clientMetrics(lateMeter(own.provider), 'orders').completed()
    expect(await valuesOf(own)).toMatchObject({ queue_messages_completed_total: [{ value: 1 }] })
    expect(await valuesOf(global)).toEqual({})
  })
})
