/** Names that the library and the tracing headers use: refused from applications and hidden on receive (protocol.md 2). */
const RESERVED = /^(qr|qr-.*|traceparent|tracestate|diagnostic-id)$/i

/** The grammar of attribute names, which every broker can carry. */
export const isAttributeName = (name: string): boolean => /^[A-Za-z0-9_.-]{1,128}$/.test(name)

export const isReservedAttribute = (name: string): boolean => RESERVED.test(name)

/** The attributes of the application alone. */
export const applicationAttributes = (attributes: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(attributes).filter(([name]) => !isReservedAttribute(name)))
