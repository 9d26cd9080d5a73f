import { setTimeout as delay } from 'node:timers/promises'
import {
  type MeterProvider as AnyMeterProvider,
  type TracerProvider as AnyTracerProvider,
  metrics,
  trace,
} from '@opentelemetry/api'
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus'
import {
  detectResources,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceNameEnvDetector,
} from '@opentelemetry/resources'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import type { Logger } from '@queue-runtime/core'
import { openTraces } from './traces.ts'
import { traceSettings, type Variables } from './variables.ts'

export interface TelemetryOptions {
  /** What this process is, where `OTEL_SERVICE_NAME` does not say otherwise. */
  readonly serviceName: string
  /** Where it runs, such as `production`: alerts ask for it. */
  readonly environment: string
  readonly variables: Variables
  readonly logger: Logger
  /** How long `close` may wait for spans to be sent, in milliseconds. */
  readonly lastSpansMs?: number
}

/** What one process measures and traces. */
export interface Telemetry {
  readonly meterProvider: AnyMeterProvider
  /** Left out where no OTLP endpoint is set. */
  readonly tracerProvider?: AnyTracerProvider
  /** All metrics, in the text format of Prometheus. */
  metricsText(): Promise<string>
  /** Sends the spans that wait, for `lastSpansMs` at most. */
  close(): Promise<void>
}

/** A collector that does not answer holds up no stop. */
const DEFAULT_LAST_SPANS_MS = 3_000

const within = async (ms: number, work: Promise<unknown>): Promise<void> => {
  const ended = new AbortController()
  await Promise.race([work, delay(ms, undefined, { signal: ended.signal })]).finally(() => ended.abort())
}

/**
 * Returns the measures of this process, for every client and server in it. Nothing is registered with `@opentelemetry/api` but
 * what carries contexts.
 *
 * @throws RangeError that names the variable of the environment that cannot be meant.
 */
export function openTelemetry(options: TelemetryOptions): Telemetry {
  const { serviceName, environment, variables, logger, lastSpansMs = DEFAULT_LAST_SPANS_MS } = options
  const settings = traceSettings(variables)
  const named = resourceFromAttributes({ 'service.name': serviceName, 'deployment.environment.name': environment })
  // What the environment says comes last, hence rules.
  const resource = named.merge(detectResources({ detectors: [resourceAttributesEnvDetector, serviceNameEnvDetector] }))
  const reader = new PrometheusExporter({ preventServerStart: true })
  const meterProvider = new MeterProvider({ resource, readers: [reader] })
  // Without labels for the scope: the labels are those of docs/observability.md.
  const serializer = new PrometheusSerializer(undefined, false, undefined, false, true)
  const tracerProvider = settings && openTraces(settings, resource, logger)
  return {
    meterProvider,
    ...(tracerProvider && { tracerProvider }),
    async metricsText() {
      const { resourceMetrics } = await reader.collect()
      return serializer.serialize(resourceMetrics)
    },
    async close() {
      const closing = Promise.allSettled([tracerProvider?.shutdown(), meterProvider.shutdown()])
      await within(lastSpansMs, closing)
    },
  }
}

/** Has every client and server of this process measure with it that is given nothing else. */
export function registerTelemetry({ meterProvider, tracerProvider }: Telemetry): void {
  metrics.setGlobalMeterProvider(meterProvider)
  if (tracerProvider !== undefined) trace.setGlobalTracerProvider(tracerProvider)
}
