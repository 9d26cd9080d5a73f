import { type Tracer, type TracerProvider, trace } from '@opentelemetry/api'

const NAME = '@queue-runtime/core'

/** The provider that the API registers is a proxy, which tells whether an SDK stands behind it. */
type Proxy = TracerProvider & { getDelegateTracer?(name: string): Tracer | undefined }

/**
 * Returns a function that gives the tracer of this moment, or undefined where no SDK is registered, so that nobody prepares
 * what nothing would record. Asked anew for each call, since the application may register its SDK at any time.
 */
export const lateTracer =
  (given: TracerProvider | undefined): (() => Tracer | undefined) =>
  () => {
    const provider: Proxy = given ?? trace.getTracerProvider()
    return provider.getDelegateTracer === undefined ? provider.getTracer(NAME) : provider.getDelegateTracer(NAME)
  }
