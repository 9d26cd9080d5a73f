import { context } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import type { Resource } from '@opentelemetry/resources'
import { BatchSpanProcessor, type SpanExporter, TracerProvider } from '@opentelemetry/sdk-trace'
import type { Logger } from '@queue-runtime/core'
import { errorClass } from '@queue-runtime/core/provider'
import type { TraceSettings } from './variables.ts'

/** An exporter is silent about its failures; the text of an error may quote an endpoint with a credential in it. */
const logged = (exporter: SpanExporter, logger: Logger): SpanExporter => ({
  export(spans, done) {
    exporter.export(spans, (result) => {
      if (result.error !== undefined)
        logger.warn(
          { operation: 'export', spans: spans.length, error_type: errorClass(result.error) },
          'Spans could not be exported',
        )
      done(result)
    })
  },
  shutdown: () => exporter.shutdown(),
  forceFlush: async () => exporter.forceFlush?.(),
})

/**
 * Returns what makes spans and sends them to the OTLP endpoint that the environment names. Contexts follow `await` from now on, in
 * the whole process.
 */
export function openTraces(settings: TraceSettings, resource: Resource, logger: Logger): TracerProvider {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  const exporter = logged(new OTLPTraceExporter(), logger)
  return new TracerProvider({
    resource,
    sampler: settings.sampler,
    spanProcessors: [new BatchSpanProcessor({ exporter, ...settings.batch })],
  })
}
