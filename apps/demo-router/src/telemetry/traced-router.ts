import { SpanKind, SpanStatusCode, type TracerProvider } from '@opentelemetry/api'
import { errorClass } from '@queue-runtime/core/provider'
import type { Router } from '../router.ts'

/**
 * Returns the router with a span around each request, above that of the send. A `traceparent` of the request is not believed:
 * whoever can reach the router could choose it.
 */
export function tracedRouter(router: Router, path: string, tracerProvider: TracerProvider): Router {
  const tracer = tracerProvider.getTracer('@queue-runtime/demo-router')
  const attributes = { 'http.request.method': 'POST', 'http.route': path }
  const options = { kind: SpanKind.SERVER, attributes, root: true }
  return (headers, body) =>
    tracer.startActiveSpan(`POST ${path}`, options, async (span) => {
      try {
        const outcome = await router(headers, body)
        span.setAttribute('webhook.outcome', outcome.status === 'refused' ? outcome.refusal : outcome.status)
        return outcome
      } catch (error) {
        // The text of an error may quote what was sent; its class does not.
        span.setAttribute('error.type', errorClass(error))
        span.setStatus({ code: SpanStatusCode.ERROR })
        throw error
      } finally {
        span.end()
      }
    })
}
