import { inspect } from 'node:util'

/**
 * Takes the body out of everything that prints: `shown` is what inspect and JSON give, and the body itself is not enumerable,
 * since `console.dir` and many loggers ask for neither.
 */
export function hideBody<T extends object>(message: T, shown: () => Record<string, unknown>): T {
  const hidden = { enumerable: false, value: shown }
  const body = 'body' in message ? { body: { enumerable: false } } : {}
  return Object.defineProperties(message, { ...body, toJSON: hidden, [inspect.custom]: hidden })
}
