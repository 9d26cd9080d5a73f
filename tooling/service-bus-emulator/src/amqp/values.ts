// Values that came over the wire, narrowed to what they must be.

export type AmqpMap = Readonly<Record<string, unknown>>

export const isMap = (value: unknown): value is AmqpMap =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !Buffer.isBuffer(value)

export const mapOf = (value: unknown): AmqpMap => (isMap(value) ? value : {})

export const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

/** A whole number; rhea gives those beyond 2^53 as bytes, and no such number is known here. */
export const numberOf = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined)

export const momentOf = (value: unknown): number | undefined => (value instanceof Date ? value.getTime() : undefined)

export const bytesOf = (value: unknown): Buffer | undefined => (Buffer.isBuffer(value) ? value : undefined)

/** A list, or what a list of one may have been written as. */
export const listOf = (value: unknown): readonly unknown[] => {
  if (Array.isArray(value)) return value
  return value === undefined || value === null ? [] : [value]
}

/** A message id may be text, a number, a UUID or bytes: one text for each. */
export const idOf = (value: unknown): string | undefined => {
  if (Buffer.isBuffer(value)) return value.toString('hex')
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined
}
