import {
  type Attributes,
  type Context,
  context,
  type Link,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  type TracerProvider,
  trace,
} from '@opentelemetry/api'
import { errorType } from './error-type.ts'
import { extract } from './trace-context.ts'
import { lateTracer } from './tracer.ts'

/** What spans tell of a message, and the trace that came with it. */
export interface TracedMessage {
  readonly messageId: string
  readonly correlationId?: string | undefined
  readonly attributes?: Readonly<Record<string, string>> | undefined
}

type Operation = 'send' | 'receive' | 'process' | 'complete' | 'abandon' | 'deadLetter' | 'session'

/** Kind and type as the semantic conventions for messaging have them, where they know the operation. */
const OPERATIONS: Record<Operation, { readonly kind: SpanKind; readonly name: string; readonly type: string }> = {
  send: { kind: SpanKind.PRODUCER, name: 'send', type: 'send' },
  receive: { kind: SpanKind.CONSUMER, name: 'receive', type: 'receive' },
  process: { kind: SpanKind.CONSUMER, name: 'process', type: 'process' },
  complete: { kind: SpanKind.CLIENT, name: 'complete', type: 'settle' },
  abandon: { kind: SpanKind.CLIENT, name: 'abandon', type: 'settle' },
  deadLetter: { kind: SpanKind.CLIENT, name: 'dead_letter', type: 'settle' },
  session: { kind: SpanKind.INTERNAL, name: 'session', type: 'session' },
}

export interface Spans {
  /** False while no SDK is registered. */
  readonly areRecorded: boolean
  /** Undefined where no SDK is registered: then nothing was prepared for it. `startTime`: milliseconds since 1970. */
  start(operation: Operation, messages: readonly TracedMessage[], parent: Context, startTime?: number): Span | undefined
}

/** Returns the span that the attributes of the message name. */
export const remoteSpan = ({ attributes }: TracedMessage): SpanContext | undefined =>
  attributes === undefined ? undefined : extract(attributes)

/** To the traces of the messages, except the one that is the parent. */
const linksOf = (messages: readonly TracedMessage[], parent: Context): Link[] => {
  const parentId = trace.getSpanContext(parent)?.spanId
  return messages.flatMap((message) => {
    const remote = remoteSpan(message)
    if (remote === undefined || remote.spanId === parentId) return []
    return [{ context: remote, attributes: { 'messaging.message.id': message.messageId } }]
  })
}

const identify = (messages: readonly TracedMessage[]): Attributes => {
  const [message] = messages
  if (message === undefined) return {}
  if (messages.length > 1) return { 'messaging.batch.message_count': messages.length }
  const { messageId, correlationId } = message
  const id = { 'messaging.message.id': messageId }
  return correlationId === undefined ? id : { ...id, 'messaging.message.conversation_id': correlationId }
}

/** `system`: the broker, as the conventions call it. */
export function openSpans(tracerProvider: TracerProvider | undefined, system: string, queue: string): Spans {
  const tracerNow = lateTracer(tracerProvider)
  const place = { 'messaging.system': system, 'messaging.system.name': system, 'messaging.destination.name': queue }
  return {
    get areRecorded() {
      return tracerNow() !== undefined
    },
    start(operation, messages, parent, startTime) {
      const tracer = tracerNow()
      if (tracer === undefined) return undefined
      const { kind, name, type } = OPERATIONS[operation]
      // `messaging.operation` and `messaging.system` are the spellings of O9, beside those that took their place.
      const kindOfWork = {
        'messaging.operation': type,
        'messaging.operation.type': type,
        'messaging.operation.name': name,
      }
      const attributes = { ...place, ...kindOfWork, ...identify(messages) }
      const links = linksOf(messages, parent)
      const time = startTime === undefined ? {} : { startTime }
      return tracer.startSpan(`queue.${name}`, { kind, attributes, links, ...time }, parent)
    },
  }
}

/** Ends the span as one of a call that failed. The text of an error may quote a body; its class does not. */
export const endFailed = (span: Span, error: unknown): void => {
  span.setAttribute('error.type', errorType(error))
  span.setStatus({ code: SpanStatusCode.ERROR })
  span.end()
}

/** Runs work in the context, which holds the span, and ends the span with it. */
export async function runIn<T>(span: Span, around: Context, work: () => Promise<T>): Promise<T> {
  try {
    const result = await context.with(around, work)
    span.end()
    return result
  } catch (error) {
    endFailed(span, error)
    throw error
  }
}
