import { type Encoding, isCarried } from './body-text.ts'

/** The one attribute that holds what stands beside a body (protocol.md 2, "Carriage on SQS"). */
export const FIELDS_ATTRIBUTE = 'qr'

/** Why a message lies in the dead-letter queue, since when, and where it came from (requirements D1). */
export interface DeadLetterNote {
  readonly reason: string
  readonly description?: string | undefined
  readonly at: string
  readonly queue: string
  readonly deliveries: number
}

/**
 * What `qr` holds: message id, correlation id, content type, encoding of the body, attributes, and in the dead-letter queue
 * why. `bad`: the text of a `qr` that could not be read and had to make room for that.
 */
export interface CarriedFields {
  readonly v: 1
  readonly id?: string | undefined
  readonly cid?: string | undefined
  readonly ct?: string | undefined
  readonly enc?: Encoding | undefined
  readonly a?: Readonly<Record<string, string>> | undefined
  readonly dl?: DeadLetterNote | undefined
  readonly bad?: string | undefined
}

const isText = (value: unknown): boolean => typeof value === 'string' && value.isWellFormed()
const isOptional = (value: unknown, is: (value: unknown) => boolean): boolean => value === undefined || is(value)
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isNote = (value: unknown): boolean =>
  isRecord(value) && isText(value.reason) && isOptional(value.description, isText)

const isFields = (value: unknown): value is CarriedFields =>
  isRecord(value) &&
  value.v === 1 &&
  isOptional(value.id, (id) => typeof id === 'string' && /^[\x21-\x7e]{1,128}$/.test(id)) &&
  [value.cid, value.ct, value.bad].every((text) => isOptional(text, isText)) &&
  isOptional(value.enc, (encoding) => encoding === 'base64' || encoding === 'empty') &&
  isOptional(value.a, (record) => isRecord(record) && Object.values(record).every(isText)) &&
  isOptional(value.dl, isNote)

/** Returns what a `qr` holds; undefined where that is not what we write. */
export function parseFields(text: string): CarriedFields | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isFields(value) ? value : undefined
  } catch {
    return undefined
  }
}

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

/** JSON escapes control characters and lone surrogates; these two SQS does not carry either. */
export const writeFields = (fields: CarriedFields): string => {
  const text = JSON.stringify(fields)
  return isCarried(text) ? text : text.replace(/[\ufffe\uffff]/g, escaped)
}
