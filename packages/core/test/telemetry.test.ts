import { metrics } from '@opentelemetry/api'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { resolveLogger } from '../src/base/logger.ts'
import { clientMetrics, lateMeter } from '../src/telemetry/telemetry.ts'

const recorder = () => {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
  const provider = new MeterProvider({ readers: [reader] })
  const read = async () => {
    await reader.forceFlush()
    const last = exporter.getMetrics().at(-1)
    const points = last?.scopeMetrics.flatMap((scope) => scope.metrics) ?? []
    return Object.fromEntries(
      points.map(({ descriptor, dataPoints }) => [
        descriptor.name,
        dataPoints.map(({ attributes, value }) => ({ attributes, value })),
      ]),
    )
  }
  return { provider, read }
}

afterEach(() => {
  metrics.disable()
  vi.restoreAllMocks()
})

describe('the counters of a client (O1, A22)', () => {
  it('carry the names and labels of the specification, and no ids (O6)', async () => {
    const { provider, read } = recorder()
    const counters = clientMetrics(lateMeter(provider), 'orders')
    counters.sent(true, 'success')
    counters.sent(false, 'error')
    counters.received(true)
    counters.received(true)
    expect(await read()).toEqual({
      queue_messages_sent_total: [
        { attributes: { queue: 'orders', encrypted: 'true', status: 'success' }, value: 1 },
        { attributes: { queue: 'orders', encrypted: 'false', status: 'error' }, value: 1 },
      ],
      queue_messages_received_total: [{ attributes: { queue: 'orders', encrypted: 'true' }, value: 2 }],
    })
    await provider.shutdown()
  })

  it('count though the application registers its SDK after the client was made', async () => {
    const counters = clientMetrics(lateMeter(undefined), 'orders')
    counters.received(true)
    const { provider, read } = recorder()
    metrics.setGlobalMeterProvider(provider)
    counters.received(true)
    expect(await read()).toMatchObject({ queue_messages_received_total: [{ value: 1 }] })
    await provider.shutdown()
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
