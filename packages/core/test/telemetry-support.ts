import { context, metrics, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  type MetricData,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import {
  InMemorySpanExporter,
  type ReadableSpan,
  type Sampler,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace'

/** Takes back what a test registered for the whole process. */
export function forgetGlobals(): void {
  metrics.disable()
  trace.disable()
  context.disable()
}

/** A real SDK whose metrics can be read at any time. */
export function meterRecorder(): { provider: MeterProvider; read(): Promise<MetricData[]> } {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
  return {
    provider: new MeterProvider({ readers: [reader] }),
    async read() {
      await reader.forceFlush()
      return (
        exporter
          .getMetrics()
          .at(-1)
          ?.scopeMetrics.flatMap((scope) => scope.metrics) ?? []
      )
    },
  }
}

/** What was counted, by name of the instrument: the values with their labels. */
export async function valuesOf(recorder: { read(): Promise<MetricData[]> }): Promise<Record<string, unknown[]>> {
  const data = await recorder.read()
  return Object.fromEntries(
    data.map(({ descriptor, dataPoints }) => [
      descriptor.name,
      dataPoints.map(({ attributes, value }) => ({ attributes, value })),
    ]),
  )
}

/** A real SDK whose ended spans can be looked at. */
export function spanRecorder(sampler?: Sampler): {
  provider: TracerProvider
  spans(): ReadableSpan[]
  named(name: string): ReadableSpan
} {
  const exporter = new InMemorySpanExporter()
  const provider = new TracerProvider({
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
    ...(sampler !== undefined && { sampler }),
  })
  return {
    provider,
    spans: () => exporter.getFinishedSpans(),
    named(name) {
      const [span, another] = exporter.getFinishedSpans().filter((one) => one.name === name)
      if (span === undefined || another !== undefined) throw new Error(`Not exactly one span ${name} ended.`)
      return span
    },
  }
}

/** As applications register it, so that a context outlives an await. */
export const registerContextManager = (): boolean =>
  context.setGlobalContextManager(new AsyncLocalStorageContextManager())
