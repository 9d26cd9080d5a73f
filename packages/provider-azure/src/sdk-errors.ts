import { isQueueError, type PlainCode, QueueError } from '@queue-runtime/core'
import { errorClass } from '@queue-runtime/core/provider'
import { type Place, PROVIDER, tooLarge } from './errors.ts'
import { CLOSED_AT_ONCE, sessionsHint, tlsHint, wrongSessions } from './wrong-setting.ts'

// What the SDK throws, as our errors: without its text, which quotes what it was given.

/** What the SDK says of a failure. */
interface Failure {
  /** The most telling name that there is: a condition of AMQP as the SDK calls it, a code of Node, or the class. */
  readonly name: string
  readonly text: string
  readonly isRetryable: boolean
}

type Mapped =
  | 'QueueNotFound'
  | 'SessionLocked'
  | Extract<
      PlainCode,
      | 'MessageLockLost'
      | 'SessionLockLost'
      | 'PermissionDenied'
      | 'CredentialRejected'
      | 'Throttled'
      | 'Timeout'
      | 'ConnectionFailed'
    >

const all = <C extends Mapped>(code: C, ...names: readonly string[]): [string, C][] => names.map((name) => [name, code])

/**
 * Requirements PA8. Source: `ServiceBusErrorCode` of `@azure/service-bus`, and the names that `@azure/core-amqp` and rhea-promise
 * give to conditions of AMQP and to failures of their own.
 */
const BY_NAME: ReadonlyMap<string, Mapped> = new Map<string, Mapped>([
  ...all('QueueNotFound', 'MessagingEntityNotFound', 'MessagingEntityNotFoundError', 'ResourceDeletedError'),
  ...all('MessageLockLost', 'MessageLockLost', 'MessageNotFound', 'MessageLockLostError', 'MessageNotFoundError'),
  ...all('SessionLockLost', 'SessionLockLost', 'SessionLockLostError'),
  ...all('SessionLocked', 'SessionCannotBeLocked', 'SessionCannotBeLockedError'),
  ...all('Throttled', 'ServiceBusy', 'QuotaExceeded', 'ServerBusyError', 'QuotaExceededError'),
  // No credit on the link: that is how AMQP slows a sender down.
  ...all('Throttled', 'SenderBusyError', 'InsufficientCreditError'),
  ...all('Timeout', 'ServiceTimeout', 'OperationTimeoutError', 'ServiceUnavailableError', 'OperationCancelledError'),
  ...all('ConnectionFailed', 'ServiceCommunicationProblem', 'ServiceCommunicationError', 'ConnectionLostError'),
  ...all('ConnectionFailed', 'DetachForcedError', 'ConnectionForcedError', 'ReceiverDisconnectedError'),
  ...all('ConnectionFailed', 'SenderNotReadyError', 'AbortError'),
  ...all('ConnectionFailed', 'SendOperationFailedError', 'SessionWindowViolationError', 'UnattachedHandleError'),
  ...all('CredentialRejected', 'AuthenticationError', 'AuthenticationRequiredError', 'AggregateAuthenticationError'),
  ...all('CredentialRejected', 'CredentialUnavailableError', 'CredentialUnavailable'),
])

/** Errors of the network, by the code that Node gives them. */
const BY_NETWORK_CODE: ReadonlyMap<string, Mapped> = new Map<string, Mapped>([
  ...all('ConnectionFailed', 'ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ENOTFOUND', 'EAI_AGAIN'),
  ...all('ConnectionFailed', 'EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN', 'EADDRNOTAVAIL', 'REQUEST_SEND_ERROR'),
  ...all('ConnectionFailed', 'EPROTO', 'ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG'),
  ...all('ConnectionFailed', 'ERR_TLS_CERT_ALTNAME_INVALID', 'CERT_HAS_EXPIRED'),
  ...all('ConnectionFailed', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'),
  ...all('ConnectionFailed', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN'),
  ...all('Timeout', 'ETIMEDOUT'),
])

const TEXTS: Record<Mapped, string> = {
  QueueNotFound: 'Service Bus knows no such queue',
  MessageLockLost: 'The lock of the message is gone.',
  SessionLockLost: 'The lock of the session is gone.',
  SessionLocked:
    'Another receiver holds the session, or the queue was made without sessions: the SDK does not say which.',
  PermissionDenied: 'The identity may not do this.',
  CredentialRejected: 'Service Bus rejects the credentials, or there are none.',
  Throttled: 'Service Bus asks to slow down, or the queue is full.',
  Timeout: 'Service Bus did not answer in time.',
  ConnectionFailed: 'The connection to Service Bus failed.',
}

/** Conditions that the service is to blame for, beside those of the table. */
const FAULTS_OF_SERVICE = new Set(['InternalServerError', 'IllegalStateError', 'StoreLockLostError', 'FramingError'])

/** The one code stands for a token that is no good, and for a good one that does not allow this: only the text tells. */
const unauthorized = (text: string): Mapped =>
  /\bclaim\(s\) are required|'(Send|Listen|Manage)'|\b(ip|network)\b.*\b(prevented|denied|not allowed)/i.test(text)
    ? 'PermissionDenied'
    : 'CredentialRejected'

const isUnauthorized = (name: string): boolean => name === 'UnauthorizedAccess' || name === 'UnauthorizedError'

/** Plain errors, by their text: of the host of Azure Functions, of the SDK about a message that is settled, and about its connection. */
const BY_TEXT: readonly (readonly [RegExp, Mapped])[] = [
  [/\bSessionLockLost\b/, 'SessionLockLost'],
  [/\bMessageLockLost\b|\block supplied is invalid\b|\balready settled\b/i, 'MessageLockLost'],
  [/\b(amqp connection|connection is|cbs|link|socket|disconnected|has been closed|is closed)\b/i, 'ConnectionFailed'],
  // The SDK about a connection that broke without a word while a link was opened.
  [/^Unknown error encountered\.$/, 'ConnectionFailed'],
  [CLOSED_AT_ONCE, 'ConnectionFailed'],
]

const codeOf = ({ name, text }: Failure): Mapped | undefined => {
  if (isUnauthorized(name)) return unauthorized(text)
  const known = BY_NETWORK_CODE.get(name) ?? BY_NAME.get(name)
  if (known !== undefined) return known
  return name === 'Error' ? BY_TEXT.find(([pattern]) => pattern.test(text))?.[1] : undefined
}

/** Whether to look at the name, the port or the certificate: a code of the table above, and nothing else that the SDK says. */
const networkCause = ({ name }: Failure): string => (BY_NETWORK_CODE.has(name) ? ` Node says ${name}.` : '')

/** "Unauthorized access. 'Send' claim(s) are required to perform this operation." A firewall says nothing of the kind. */
const deniedText = ({ text }: Failure, { queue }: Place): string => {
  const right = /\. '(Send|Listen|Manage)' claim\(s\) are required/.exec(text)?.[1]
  return right === undefined
    ? TEXTS.PermissionDenied
    : `The identity may not do this: it lacks the right ${right} to the queue ${queue}.`
}

const textFor = (code: Mapped, failure: Failure, place: Place): string => {
  if (code === 'QueueNotFound') return `${TEXTS[code]}: ${place.queue}, or as queues.${place.queue}.path calls it.`
  if (code === 'PermissionDenied') return deniedText(failure, place)
  const hint = code === 'ConnectionFailed' ? tlsHint(failure.name, failure.text) : ''
  return TEXTS[code] + networkCause(failure) + hint
}

/** "The request was terminated because the entity is being throttled. ... Please wait 4 seconds and try again." */
const retryAfterOf = ({ text }: Failure): number | undefined => {
  const seconds = /\bwait (\d{1,4}) seconds\b/i.exec(text)?.[1]
  return seconds === undefined ? undefined : Number(seconds) * 1_000
}

const isTooLarge = (name: string): boolean => name === 'MessageSizeExceeded' || name === 'MessageTooLargeError'

/** "The received message (delivery-id:0, size:262250 bytes) exceeds the limit (262144 bytes) currently allowed on the link." */
const sizesIn = ({ text }: Failure): [size: number, maxSize: number] => {
  const [, size = 0, maxSize = 0] = /\bsize:(\d+) bytes\D+(\d+) bytes/.exec(text) ?? []
  return [Number(size), Number(maxSize)]
}

const toError = (failure: Failure, place: Place): QueueError => {
  const { name } = failure
  if (isTooLarge(name)) return tooLarge(place, ...sizesIn(failure))
  const code = codeOf(failure)
  if (code === 'QueueNotFound') {
    return new QueueError(code, textFor(code, failure, place), { facts: { queue: place.queue }, ...place })
  }
  if (code === 'SessionLocked') {
    return new QueueError(code, TEXTS[code], { facts: { lockedUntil: undefined }, ...place })
  }
  if (code !== undefined) {
    const retryAfterMs = code === 'Throttled' ? retryAfterOf(failure) : undefined
    return new QueueError(code, textFor(code, failure, place), { ...place, retryAfterMs })
  }
  const isInvalid = name === 'InvalidOperationError'
  const wrong = isInvalid ? wrongSessions(failure.text, place) : undefined
  if (wrong !== undefined) return wrong
  const facts = { provider: PROVIDER, providerCode: name }
  const isTransient = FAULTS_OF_SERVICE.has(name) || failure.isRetryable
  const hint = isInvalid ? sessionsHint(failure.text, place) : ''
  return new QueueError('ProviderError', `Service Bus refused the call: ${name}.${hint}`, {
    facts,
    isTransient,
    ...place,
  })
}

interface SdkError {
  readonly name?: unknown
  readonly message?: unknown
  readonly code?: unknown
  readonly retryable?: unknown
  readonly errors?: unknown
}

const isSafeName = (name: string): boolean => /^[A-Za-z][A-Za-z0-9_.]{0,63}$/.test(name)

/** What is wrapped behind several attempts, or behind several addresses of a host: the last one. */
const unwrapped = (thrown: unknown): unknown => {
  let error = thrown
  for (let depth = 0; depth < 5 && error instanceof AggregateError && error.errors.length > 0; depth += 1) {
    error = error.errors.at(-1)
  }
  return error
}

/** Errors of the language are mistakes in a call; of all others without a name of their own it is not known. */
const PERMANENT = new Set(['TypeError', 'RangeError', 'SyntaxError', 'ReferenceError'])

const failureOf = (thrown: unknown): Failure => {
  const error: SdkError = typeof thrown === 'object' && thrown !== null ? thrown : {}
  const text = typeof error.message === 'string' ? error.message : ''
  const code = typeof error.code === 'string' && isSafeName(error.code) ? error.code : errorClass(thrown)
  // The SDK knows few codes; of the others it puts the name before the text.
  const inText = /^(?:GeneralError: )*([A-Za-z][A-Za-z0-9_]{2,63}): /.exec(text)?.[1]
  const name = code === 'GeneralError' && inText !== undefined ? inText : code
  const isRetryable = typeof error.retryable === 'boolean' ? error.retryable : !PERMANENT.has(name)
  return { name, text, isRetryable }
}

/** Returns our error for whatever the SDK threw. */
export function fromSdk(thrown: unknown, place: Place): QueueError {
  const error = unwrapped(thrown)
  return isQueueError(error) ? error : toError(failureOf(error), place)
}
