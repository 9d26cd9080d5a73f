import { isQueueError, type PlainCode, QueueError } from '@queue-runtime/core'
import { errorClass } from '@queue-runtime/core/provider'
import { type Place, PROVIDER, tooLarge } from './errors.ts'

// What the SDK throws, as our errors: without its text, which may quote a body.

/** What SQS or the SDK says of a failure, of a call or of one entry of a batch. */
interface Failure {
  readonly name: string
  readonly text: string
  readonly status: number | undefined
  readonly networkCode: string | undefined
  readonly retryAfterMs: number | undefined
  readonly isTransient: boolean
}

type Mapped =
  | 'QueueNotFound'
  | Extract<
      PlainCode,
      'MessageLockLost' | 'PermissionDenied' | 'CredentialRejected' | 'Throttled' | 'Timeout' | 'ConnectionFailed'
    >

const all = <C extends Mapped>(code: C, ...names: readonly string[]): [string, C][] => names.map((name) => [name, code])

/** Requirements PS13. Source: "Common errors" and the errors of each action in the SQS API reference. */
const BY_NAME: ReadonlyMap<string, Mapped> = new Map<string, Mapped>([
  ...all('QueueNotFound', 'QueueDoesNotExist', 'NonExistentQueue', 'QueueDeletedRecently', 'InvalidAddress'),
  ...all('MessageLockLost', 'ReceiptHandleIsInvalid', 'MessageNotInflight'),
  ...all(
    'PermissionDenied',
    'AccessDenied',
    'AccessDeniedException',
    'InvalidSecurity',
    'KmsAccessDenied',
    'NotAuthorized',
  ),
  ...all('PermissionDenied', 'OptInRequired', 'KmsOptInRequired', 'AuthorizationError'),
  ...all('CredentialRejected', 'InvalidClientTokenId', 'UnrecognizedClientException', 'InvalidAccessKeyId'),
  ...all(
    'CredentialRejected',
    'SignatureDoesNotMatch',
    'InvalidSignatureException',
    'IncompleteSignature',
    'RequestExpired',
  ),
  ...all('CredentialRejected', 'ExpiredToken', 'ExpiredTokenException', 'MissingAuthenticationToken'),
  ...all('CredentialRejected', 'MissingAuthenticationTokenException', 'CredentialsProviderError', 'TokenProviderError'),
  ...all('Throttled', 'RequestThrottled', 'RequestThrottledException', 'Throttling', 'ThrottlingException'),
  ...all(
    'Throttled',
    'ThrottledException',
    'TooManyRequestsException',
    'RequestLimitExceeded',
    'KmsThrottled',
    'OverLimit',
  ),
  ...all('Timeout', 'TimeoutError', 'RequestTimeout', 'RequestTimeoutException'),
])

/** Errors of the network, by the code that Node gives them. */
const BY_NETWORK_CODE: ReadonlyMap<string, Mapped> = new Map<string, Mapped>([
  ...all('ConnectionFailed', 'ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ENOTFOUND', 'EAI_AGAIN'),
  ...all('ConnectionFailed', 'EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN', 'ERR_STREAM_PREMATURE_CLOSE'),
  ...all('ConnectionFailed', 'ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_TLS_CERT_ALTNAME_INVALID', 'CERT_HAS_EXPIRED'),
  ...all(
    'ConnectionFailed',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'SELF_SIGNED_CERT_IN_CHAIN',
  ),
  ...all('Timeout', 'ETIMEDOUT'),
])

const BY_STATUS: ReadonlyMap<number, Mapped> = new Map<number, Mapped>([
  ...[401].map((status): [number, Mapped] => [status, 'CredentialRejected']),
  ...[403].map((status): [number, Mapped] => [status, 'PermissionDenied']),
  ...[429].map((status): [number, Mapped] => [status, 'Throttled']),
])

const TEXTS: Record<Mapped, string> = {
  QueueNotFound: 'SQS knows no such queue, or the identity may not see it.',
  MessageLockLost: 'The lock of the message is gone.',
  PermissionDenied: 'The identity may not do this.',
  CredentialRejected: 'SQS rejects the credentials, or there are none.',
  Throttled: 'SQS asks to slow down.',
  Timeout: 'SQS did not answer in time.',
  ConnectionFailed: 'The connection to SQS failed.',
}

const codeOf = ({ name, text, status = 0, networkCode = '' }: Failure): Mapped | undefined => {
  const known = BY_NETWORK_CODE.get(networkCode) ?? BY_NAME.get(name)
  if (known !== undefined) return known
  // An expired handle of a FIFO queue, and one of a message that is gone, are refused as a wrong parameter.
  if (name === 'InvalidParameterValue' && /\bReceiptHandle\b/.test(text)) return 'MessageLockLost'
  return BY_STATUS.get(status)
}

/** Whether to look at the name, the port or the certificate: a code of the table above, and nothing else that the SDK says. */
const networkCause = ({ networkCode = '' }: Failure): string =>
  BY_NETWORK_CODE.has(networkCode) ? ` Node says ${networkCode}.` : ''

const toError = (failure: Failure, { size, ...place }: Place): QueueError => {
  const { name, text, retryAfterMs } = failure
  // The clock of this machine is wrong: the SDK has just learnt by how much, and the next call is signed right.
  const code = failure.isTransient ? undefined : codeOf(failure)
  if (code === 'QueueNotFound') {
    return new QueueError(code, TEXTS[code], { facts: { queue: place.queue }, ...place })
  }
  if (code !== undefined) {
    return new QueueError(code, TEXTS[code] + networkCause(failure), { ...place, retryAfterMs })
  }
  const maxSize = /shorter than (\d+) bytes/.exec(text)?.[1]
  if (maxSize !== undefined) return tooLarge(place, size ?? 0, Number(maxSize))
  if (text.startsWith('Region is missing')) {
    return new QueueError('Configuration', 'Option region is missing, and the SDK finds none.', {
      facts: { field: 'region' },
      ...place,
    })
  }
  const isTransient = failure.isTransient || (failure.status ?? 0) >= 500
  const facts = { provider: PROVIDER, providerCode: name }
  return new QueueError('ProviderError', `SQS refused the call: ${name}.`, {
    facts,
    isTransient,
    retryAfterMs,
    ...place,
  })
}

/** A name as it is safe to print: without the namespaces of the two protocols. */
const cleanName = (name: string): string => {
  const bare = name.replace(/^com\.amazonaws\.sqs#|^AWS\.SimpleQueueService\./, '')
  return /^[A-Za-z][A-Za-z0-9_.]{0,63}$/.test(bare) ? bare : 'Error'
}

interface SdkError {
  readonly message?: unknown
  readonly code?: unknown
  readonly $metadata?: { readonly httpStatusCode?: number; readonly clockSkewCorrected?: boolean }
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> }
}

const retryAfterOf = ({ $response }: SdkError): number | undefined => {
  const seconds = Number($response?.headers?.['retry-after'])
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1_000 : undefined
}

/** Returns our error for whatever the SDK threw. */
export function fromSdk(thrown: unknown, place: Place): QueueError {
  if (isQueueError(thrown)) return thrown
  const error: SdkError = typeof thrown === 'object' && thrown !== null ? thrown : {}
  const name = cleanName(errorClass(thrown))
  return toError(
    {
      name,
      text: typeof error.message === 'string' ? error.message : '',
      status: error.$metadata?.httpStatusCode,
      networkCode: typeof error.code === 'string' ? error.code : undefined,
      retryAfterMs: retryAfterOf(error),
      // An answer that cannot be read was cut off, or came from something in between.
      isTransient: error.$metadata?.clockSkewCorrected === true || name === 'SyntaxError',
    },
    place,
  )
}

/** One entry of a batch that SQS did not take. */
export interface FailedEntry {
  readonly Code?: string | undefined
  readonly Message?: string | undefined
  readonly SenderFault?: boolean | undefined
}

/** Returns our error for an entry of a batch; a fault of SQS may be tried again (requirements PS4). */
export const fromEntry = (
  { Code = 'Error', Message = '', SenderFault = false }: FailedEntry,
  place: Place,
): QueueError => {
  const status = SenderFault ? 400 : 500
  const name = cleanName(Code)
  return toError(
    { name, text: Message, status, networkCode: undefined, retryAfterMs: undefined, isTransient: false },
    place,
  )
}

export const noOutcome = (place: Place): QueueError => fromEntry({ Code: 'NoOutcome', SenderFault: false }, place)
