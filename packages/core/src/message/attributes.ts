/** Names that the library and the tracing headers use: refused from applications and hidden on receive (protocol.md 2). */
const RESERVED = /^(qr|qr-.*|traceparent|tracestate|diagnostic-id)$/i

/**
 * True for a name that every broker can carry.
 *
 * @example
 * isAttributeName('tenant.id') // true
 */
export const isAttributeName = (name: string): boolean => /^[A-Za-z0-9_.-]{1,128}$/.test(name)

/**
 * True for a name that the library or the tracing headers use.
 *
 * @example
 * isReservedAttribute('traceparent') // true
 */
export const isReservedAttribute = (name: string): boolean => RESERVED.test(name)

type Attributes = Readonly<Record<string, string>>

const pick = (attributes: Attributes, isWanted: (name: string) => boolean): Record<string, string> =>
  Object.fromEntries(Object.entries(attributes).filter(([name]) => isWanted(name)))

/** The attributes of the application alone. */
export const applicationAttributes = (attributes: Attributes): Record<string, string> =>
  pick(attributes, (name) => !isReservedAttribute(name))

/** What goes along when a message is sent again: the attributes of the application, and the trace that it belongs to. */
export const lastingAttributes = (attributes: Attributes): Record<string, string> =>
  pick(attributes, (name) => !isReservedAttribute(name) || /^trace(parent|state)$/i.test(name))
