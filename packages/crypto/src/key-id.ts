/**
 * The key id grammar of protocol.md 1: safe in logs, metrics, Redis keys and secret names. There is no slash in it, so that an
 * id from a forged envelope cannot name another secret.
 */
const KEY_ID = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/

/**
 * True for an id that a key may have: 1–128 characters of `[A-Za-z0-9._:-]`, a letter or a digit first.
 *
 * @example
 * isKeyId('../other-secret') // false
 */
export const isKeyId = (value: unknown): value is string => typeof value === 'string' && KEY_ID.test(value)
