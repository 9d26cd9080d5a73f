import { createTraceState, isSpanContextValid, type SpanContext, type TraceState } from '@opentelemetry/api'

type Attributes = Readonly<Record<string, string>>

/** W3C Trace Context, sections 3.2 and 3.3: https://www.w3.org/TR/trace-context-2/ */
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/s
const VERSION = '00'
const INVALID_VERSION = 'ff'

/** Sampled and random trace id. What other flags mean is not known; they are neither believed nor passed on. */
const KNOWN_FLAGS = 0b11
/** A later version promises no more than the sampled flag. */
const FLAGS_OF_LATER_VERSIONS = 0b01

const MAX_STATE_CHARACTERS = 512
const MAX_STATE_MEMBERS = 32

/** A state that is too long is dropped, of too many members the first are kept, and ill-formed ones are left out. */
const stateOf = (raw: unknown): TraceState | undefined => {
  if (typeof raw !== 'string' || raw.length > MAX_STATE_CHARACTERS) return undefined
  const members = raw.split(',').filter((member) => member.trim() !== '')
  const state = createTraceState(members.slice(0, MAX_STATE_MEMBERS).join(','))
  return state.serialize() === '' ? undefined : state
}

/**
 * Returns the span that a message's `traceparent` and `tracestate` name, or undefined where there is none or it is malformed.
 * Never throws. Nothing authenticates it: whoever can write to the queue can choose it.
 */
export function extract(attributes: Attributes): SpanContext | undefined {
  const header: unknown = attributes.traceparent
  if (typeof header !== 'string') return undefined
  const [, version = '', traceId = '', spanId = '', flags = '', rest] = TRACEPARENT.exec(header) ?? []
  const isLater = version !== VERSION
  if (version === INVALID_VERSION || (rest !== undefined && !isLater)) return undefined
  const traceFlags = Number.parseInt(flags, 16) & (isLater ? FLAGS_OF_LATER_VERSIONS : KNOWN_FLAGS)
  const span = { traceId, spanId, traceFlags, isRemote: true }
  if (!isSpanContextValid(span)) return undefined
  const traceState = stateOf(attributes.tracestate)
  return traceState === undefined ? span : { ...span, traceState }
}

/**
 * Returns the attributes with `traceparent` and `tracestate` of the span, in place of those that were there; the attributes as
 * they are where there is no valid span.
 */
export function inject(span: SpanContext | undefined, attributes: Attributes): Attributes {
  if (span === undefined || !isSpanContextValid(span)) return attributes
  const { traceparent: _, tracestate: __, ...others } = attributes
  const flags = (span.traceFlags & KNOWN_FLAGS).toString(16).padStart(2, '0')
  const traceparent = `${VERSION}-${span.traceId}-${span.spanId}-${flags}`
  const tracestate = stateOf(span.traceState?.serialize())?.serialize()
  return tracestate === undefined ? { ...others, traceparent } : { ...others, traceparent, tracestate }
}
