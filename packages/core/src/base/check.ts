import { QueueError } from './errors.ts'

/**
 * Returns a Validation error: a field of a message or a name breaks a rule.
 *
 * @example
 * if (name === '') throw invalid('queue', 'required', 'is required.')
 */
export const invalid = (
  field: string,
  rule: 'required' | 'out-of-range' | 'invalid-format',
  text: string,
): QueueError<'Validation'> => new QueueError('Validation', `${field} ${text}`, { facts: { field, rule } })

/**
 * Returns a Configuration error: an option of a constructor or a call is wrong.
 *
 * @example
 * if (region === undefined && client === undefined) throw misconfigured('region', 'or client is required.')
 */
export const misconfigured = (field: string, text: string): QueueError<'Configuration'> =>
  new QueueError('Configuration', `Option ${field} ${text}`, { facts: { field } })

/** Checks one option: throws Configuration with the field's name, or returns. `undefined` never gets here. */
type OptionCheck = (field: string, value: unknown) => void

const check =
  (expected: string, holds: (value: unknown) => boolean): OptionCheck =>
  (field, value) => {
    if (!holds(value)) throw misconfigured(field, `must be ${expected}.`)
  }

/**
 * True for an object, a class instance too, that has these methods.
 *
 * @example
 * hasMethods(new Map(), 'get', 'set') // true
 */
export const hasMethods = (value: unknown, ...names: readonly string[]): boolean =>
  typeof value === 'object' &&
  value !== null &&
  names.every((name) => typeof (value as Record<string, unknown>)[name] === 'function')

/** The checks that options are described with; each names what it expects. */
export const option: {
  readonly boolean: OptionCheck
  readonly callback: OptionCheck
  readonly date: OptionCheck
  readonly wholeNumber: (min: number, max?: number) => OptionCheck
  readonly oneOf: (...values: readonly string[]) => OptionCheck
  readonly text: (pattern: RegExp, expected: string) => OptionCheck
  readonly logger: OptionCheck
  readonly signal: OptionCheck
  readonly object: (what: string, ...methods: readonly string[]) => OptionCheck
  readonly that: (expected: string, holds: (value: unknown) => boolean) => OptionCheck
} = {
  boolean: check('true or false', (value) => typeof value === 'boolean'),
  callback: check('a function', (value) => typeof value === 'function'),
  date: check('a valid Date', (value) => value instanceof Date && !Number.isNaN(value.getTime())),
  wholeNumber: (min, max = Number.MAX_SAFE_INTEGER) =>
    check(
      max === Number.MAX_SAFE_INTEGER ? `a whole number, at least ${min}` : `a whole number from ${min} to ${max}`,
      (value) => Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max,
    ),
  oneOf: (...values) =>
    check(`one of ${values.map((value) => `'${value}'`).join(', ')}`, (value) => values.includes(value as string)),
  text: (pattern, expected) => check(expected, (value) => typeof value === 'string' && pattern.test(value)),
  logger: check(
    'false or have debug, info, warn and error',
    (value) => value === false || hasMethods(value, 'debug', 'info', 'warn', 'error'),
  ),
  signal: check('an AbortSignal', (value) => value instanceof AbortSignal),
  object: (what, ...methods) => check(what, (value) => hasMethods(value, ...methods)),
  that: check,
}

/** How one options object is described: a check per name. An unknown name is an error, since a misspelt option is a silent default. */
export type OptionChecks<T> = { readonly [K in keyof T]-?: OptionCheck }

/**
 * Checks options at the door of a constructor or a call. `within` is the path of an object inside of options, such as
 * `queues.orders`: errors then name `queues.orders.url`.
 *
 * @throws Configuration with the name of the first option that is unknown, missing or wrong
 * @example
 * checkOptions(options, { lockMs: option.wholeNumber(1), clock: option.object('a Clock', 'now', 'sleep') }, ['lockMs'])
 */
export function checkOptions<T extends object>(
  options: T,
  checks: OptionChecks<T>,
  required: readonly (keyof T & string)[] = [],
  within?: string,
): void {
  if (typeof options !== 'object' || options === null) throw misconfigured(within ?? 'options', 'must be an object.')
  const fieldOf = (name: string): string => (within === undefined ? name : `${within}.${name}`)
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(checks, name)) {
      throw misconfigured(fieldOf(name), `is unknown. Known are ${Object.keys(checks).join(', ')}.`)
    }
  }
  for (const name of required) {
    if (options[name] === undefined) throw misconfigured(fieldOf(name), 'is required.')
  }
  for (const [name, check] of Object.entries<OptionCheck>(checks)) {
    const value = (options as Record<string, unknown>)[name]
    if (value !== undefined) check(fieldOf(name), value)
  }
}
