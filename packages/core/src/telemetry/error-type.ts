import { errorClass } from '../base/errors.ts'

const NAME = /^[A-Za-z][A-Za-z0-9_.]{0,63}$/

/** `AuthenticationFailed` → `authentication_failed`, `DOMException` → `dom_exception`. */
const snakeCase = (name: string): string =>
  name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1_$2')
    .replaceAll('.', '_')
    .toLowerCase()

/**
 * What metrics and spans call an error: the label of its code, or the class of one that is not ours, in snake case. Never a
 * text, which may quote a body or a credential, and never a failure of its own: anything can be thrown.
 */
export function errorType(error: unknown): string {
  try {
    const name = errorClass(error)
    return NAME.test(name) ? snakeCase(name) : 'error'
  } catch {
    return 'error'
  }
}
