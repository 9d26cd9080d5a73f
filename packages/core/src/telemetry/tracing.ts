import { type Context, context, createContextKey, ROOT_CONTEXT, type TracerProvider, trace } from '@opentelemetry/api'
import { endFailed, openSpans, remoteSpan, runIn, type TracedMessage } from './spans.ts'
import { inject } from './trace-context.ts'

/** Returns the attributes of a message with the trace that it is to carry, in place of one that they hold. */
type WithTrace = (attributes: Readonly<Record<string, string>>) => Readonly<Record<string, string>>

/** A receive that neither brings anything nor fails leaves no span. */
interface Receiving {
  /** Writes the span, with links to the traces of the messages. */
  brought(messages: readonly TracedMessage[]): void
  failed(error: unknown): void
}

export interface SessionSpan {
  /** What happens in the session belongs below it. */
  readonly context: Context
  /** Only the first call counts. `error`: why the session ended, where it failed. */
  end(error?: unknown): void
}

/**
 * The spans of one client (requirements O9 and O10). They hold ids of messages, never a session id, a body or the text of an
 * error. `session` is the context of the session that a call belongs to.
 *
 * Without an SDK there are no spans, but a trace is passed on: a handler runs in the context of the trace that its message
 * carries, and a send carries the trace of the active context. For that the application needs a context manager.
 */
export interface ClientTracing {
  /** Runs `work` in a span `queue.send`. A message that carries a trace already, since it is sent again, is linked to it. */
  sending<T>(messages: readonly TracedMessage[], work: (withTrace: WithTrace) => Promise<T>): Promise<T>
  /** Begins a receive: the span `queue.receive` is as long as the time from here to what it brought. */
  receiving(session?: Context): Receiving
  /** Runs a handler in a span `queue.process` below the session, else below the trace of the message, else in a new trace. */
  processing<T>(message: TracedMessage, work: () => Promise<T>, session?: Context): Promise<T>
  /**
   * Runs a settlement in a span of its own: below the handler or the session that the same object was told with before, else
   * below the active span, else below the trace of the message.
   */
  settling<T>(
    operation: 'complete' | 'abandon' | 'deadLetter',
    message: TracedMessage,
    work: () => Promise<T>,
  ): Promise<T>
  /** Begins a span `queue.session`. */
  session(): SessionSpan
}

const NOT_RECEIVING: Receiving = { brought: () => {}, failed: () => {} }
const NO_SESSION: SessionSpan = { context: ROOT_CONTEXT, end: () => {} }

const hasSpan = (place: Context | undefined): place is Context =>
  place !== undefined && trace.getSpan(place) !== undefined

/** Runs what outlives its caller, such as a consumer, outside of the span that the caller happens to be in. */
export const outsideSpan = <T>(work: () => T): T => {
  const active = context.active()
  return hasSpan(active) ? context.with(trace.deleteSpan(active), work) : work()
}

const PROBE = ROOT_CONTEXT.setValue(createContextKey('@queue-runtime/core probe'), true)
const isProbeActive = (): boolean => context.active() === PROBE

/** Without a context manager no context reaches anybody: then there is no use in reading the trace of a message. */
const hasContextManager = (): boolean => context.with(PROBE, isProbeActive)

/** Below the trace of the message. What is active around it says nothing about it. */
const traceOf = (message: TracedMessage): Context => {
  const active = context.active()
  const remote = remoteSpan(message)
  if (remote !== undefined) return trace.setSpanContext(active, remote)
  return hasSpan(active) ? trace.deleteSpan(active) : active
}

const isSameTrace = (one: Context, other: Context): boolean =>
  trace.getSpanContext(one)?.traceId === trace.getSpanContext(other)?.traceId

const withActiveTrace: WithTrace = (attributes) => inject(trace.getSpanContext(context.active()), attributes)

/** `system`: the broker, as the semantic conventions for messaging call it (`aws.sqs`), or the provider's own name. */
export function clientTracing(options: {
  readonly tracerProvider: TracerProvider | undefined
  readonly system: string
  readonly queue: string
}): ClientTracing {
  const spans = openSpans(options.tracerProvider, options.system, options.queue)
  /** Where messages are worked on. Who settles one after its handler, or by hand in a session, is not in that context. */
  const places = new WeakMap<TracedMessage, Context>()

  /** The application's own span may be nearer than the place that is known. */
  const settlingPlace = (message: TracedMessage): Context => {
    const active = context.active()
    const known = places.get(message)
    if (known !== undefined) return isSameTrace(active, known) ? active : known
    return hasSpan(active) ? active : traceOf(message)
  }

  return {
    sending(messages, work) {
      const active = context.active()
      const span = spans.start('send', messages, active)
      if (span === undefined) return work(withActiveTrace)
      const carried = span.spanContext()
      return runIn(span, trace.setSpan(active, span), () => work((attributes) => inject(carried, attributes)))
    },
    receiving(session) {
      if (!spans.areRecorded) return NOT_RECEIVING
      const parent = session ?? context.active()
      const begunMs = Date.now()
      return {
        brought(messages) {
          if (messages.length > 0) spans.start('receive', messages, parent, begunMs)?.end()
          if (hasSpan(session)) for (const message of messages) places.set(message, session)
        },
        failed(error) {
          const span = spans.start('receive', [], parent, begunMs)
          if (span !== undefined) endFailed(span, error)
        },
      }
    },
    processing(message, work, session) {
      if (!spans.areRecorded && !hasContextManager()) return work()
      const parent = hasSpan(session) ? session : traceOf(message)
      const span = spans.start('process', [message], parent)
      if (span === undefined) return parent === context.active() ? work() : context.with(parent, work)
      const place = trace.setSpan(parent, span)
      places.set(message, place)
      return runIn(span, place, work)
    },
    settling(operation, message, work) {
      if (!spans.areRecorded) return work()
      const parent = settlingPlace(message)
      const span = spans.start(operation, [message], parent)
      return span === undefined ? work() : runIn(span, trace.setSpan(parent, span), work)
    },
    session() {
      const active = context.active()
      const span = spans.start('session', [], active)
      if (span === undefined) return NO_SESSION
      let isOpen = true
      return {
        context: trace.setSpan(active, span),
        end(error) {
          if (isOpen && error === undefined) span.end()
          else if (isOpen) endFailed(span, error)
          isOpen = false
        },
      }
    },
  }
}
