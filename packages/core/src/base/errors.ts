import { type ErrorCode, type ErrorFacts, retryTraits } from './error-codes.ts'
import type { Options } from './options.ts'

/** Registered for the whole process, so that an error of another copy of this package is recognised too. */
const TAG = Symbol.for('@queue-runtime/QueueError')

type FactsOf<C extends ErrorCode> = C extends keyof ErrorFacts ? ErrorFacts[C] : undefined

/** What an error may carry beside its code: never a body, a key, a credential, nor another error (`cause`) that may quote one. */
export type ErrorDetails<C extends ErrorCode> = Options<{
  queue: string
  operation: string
  messageId: string
  retryAfterMs: number
}> &
  (C extends keyof ErrorFacts ? { readonly facts: ErrorFacts[C] } : { readonly facts?: undefined }) &
  (C extends 'ProviderError' ? Options<{ isTransient: boolean }> : unknown)

type ErrorArguments<C extends ErrorCode> = C extends keyof ErrorFacts
  ? [details: ErrorDetails<C>]
  : [details?: ErrorDetails<C>]

/**
 * The one error class of every package of queue-runtime. `code` says what happened, `facts` carries what that code promises,
 * `isTransient` whether trying again can help and `retryAfterMs` when.
 *
 * The text, the JSON and the inspect output hold no body, key or credential, and there is no `cause`: errors of parsers, of
 * OpenSSL and of SDKs quote what they were given.
 *
 * @example
 * try { await client.send({ json: order }) }
 * catch (error) { if (isQueueError(error, 'MessageTooLarge')) console.log(error.facts.size, error.facts.maxSize) }
 */
export class QueueError<C extends ErrorCode = ErrorCode> extends Error {
  readonly code: C
  readonly facts: FactsOf<C>
  readonly isTransient: boolean
  /** Milliseconds to wait before trying again, where the broker or the code says so. */
  readonly retryAfterMs: number | undefined
  readonly queue: string | undefined
  readonly operation: string | undefined
  readonly messageId: string | undefined

  constructor(code: C, message: string, ...[details]: ErrorArguments<C>) {
    super(message)
    const given: Options<{
      facts: unknown
      queue: string
      operation: string
      messageId: string
      retryAfterMs: number
      isTransient: boolean
    }> = details ?? {}
    const traits = retryTraits(code)
    this.name = 'QueueError'
    this.code = code
    this.facts = given.facts as FactsOf<C>
    this.isTransient = given.isTransient ?? traits.isTransient
    this.retryAfterMs = given.retryAfterMs ?? traits.retryAfterMs
    this.queue = given.queue
    this.operation = given.operation
    this.messageId = given.messageId
    Object.defineProperty(this, TAG, { value: true })
  }

  /** What `JSON.stringify` writes: the fields without the stack. */
  toJSON(): Record<string, unknown> {
    const { name, code, message, facts, isTransient, retryAfterMs, queue, operation, messageId } = this
    return { name, code, message, facts, isTransient, retryAfterMs, queue, operation, messageId }
  }
}

/**
 * True when `error` is a QueueError, and of that `code` where one is given. Works across two copies of this package.
 *
 * @example
 * if (isQueueError(error, 'KeyNotFound')) console.log(error.facts.keyId)
 */
export function isQueueError<C extends ErrorCode = ErrorCode>(error: unknown, code?: C): error is QueueError<C> {
  if (typeof error !== 'object' || error === null || !isTagged(error)) return false
  return code === undefined || ('code' in error && error.code === code)
}

/** True where a lock is gone, of a message or of its session: it does not come back. */
export const isLockLost = (error: unknown): error is QueueError<'MessageLockLost' | 'SessionLockLost'> =>
  isQueueError(error, 'MessageLockLost') || isQueueError(error, 'SessionLockLost')

/** Anything can be thrown, a proxy that throws at every look included. */
const attempt = <T>(look: () => T): T | undefined => {
  try {
    return look()
  } catch {
    return undefined
  }
}

const isTagged = (error: object): boolean => attempt(() => TAG in error) ?? false

const nameOf = (error: unknown): unknown => attempt(() => (error instanceof Error ? error.name : typeof error))

/** Where an error happened. */
export interface ErrorLocation extends Options<{ queue: string; operation: string; messageId: string }> {}

/**
 * Returns the error with what it did not know of its place. A copy: one error may be told to many callers.
 *
 * @example
 * throw locate(error, { queue: 'orders', operation: 'send' })
 */
export function locate(error: QueueError, place: ErrorLocation): QueueError {
  const { code, message, facts, isTransient, retryAfterMs } = error
  const details = {
    ...{ facts, isTransient, retryAfterMs },
    queue: error.queue ?? place.queue,
    operation: error.operation ?? place.operation,
    messageId: error.messageId ?? place.messageId,
  }
  // The code and its facts were joined when `error` was made, which the type system cannot follow through a copy.
  const copy = new QueueError(code, message, ...([details] as unknown as ErrorArguments<ErrorCode>))
  if (error.stack !== undefined) copy.stack = error.stack
  return copy
}

/**
 * Returns the class of an error as far as it is safe to print: the code of one of ours, the name of another one, never its text.
 *
 * @example
 * logger.warn({ error_type: errorClass(error) }, 'The store does not answer')
 */
export function errorClass(error: unknown): string {
  if (isQueueError(error)) return error.code
  const name = nameOf(error)
  return typeof name === 'string' && /^[A-Za-z][A-Za-z0-9_.]{0,63}$/.test(name) ? name : 'Error'
}
