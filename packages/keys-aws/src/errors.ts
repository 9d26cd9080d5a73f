import { errorClass, isQueueError, QueueError } from '@queue-runtime/crypto/provider'

// Every error of this package. None holds anything of a secret, nor the text of an error of the SDK.

/** What Secrets Manager, the SDK or the network says of a call. The first three concern one secret, the others the service. */
type Refusal =
  | 'absent'
  | 'deleted'
  | 'exists'
  | 'conflict'
  | 'rejected'
  | 'denied'
  | 'undecryptable'
  | 'throttled'
  | 'timed-out'
  | 'unreachable'
  | 'failed'

const all = (refusal: Refusal, ...names: readonly string[]): [string, Refusal][] => names.map((name) => [name, refusal])

/** Source: the errors of each action and "Common errors" in the API reference, and the codes of Node. */
const BY_NAME: ReadonlyMap<string, Refusal> = new Map([
  ...all('absent', 'ResourceNotFoundException'),
  ...all('exists', 'ResourceExistsException'),
  ...all('conflict', 'InvalidParameterException'),
  ...all('denied', 'AccessDeniedException', 'AccessDenied', 'NotAuthorized', 'OptInRequired'),
  ...all('undecryptable', 'DecryptionFailure', 'EncryptionFailure'),
  ...all('rejected', 'UnrecognizedClientException', 'InvalidClientTokenId', 'InvalidSignatureException'),
  ...all('rejected', 'SignatureDoesNotMatch', 'IncompleteSignature', 'RequestExpired', 'ExpiredToken'),
  ...all('rejected', 'ExpiredTokenException', 'MissingAuthenticationToken', 'MissingAuthenticationTokenException'),
  ...all('rejected', 'CredentialsProviderError', 'TokenProviderError'),
  ...all('throttled', 'ThrottlingException', 'Throttling', 'TooManyRequestsException', 'RequestLimitExceeded'),
  ...all('timed-out', 'TimeoutError', 'RequestTimeout', 'RequestTimeoutException', 'ETIMEDOUT'),
  ...all('unreachable', 'ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ENOTFOUND', 'EAI_AGAIN'),
  ...all('unreachable', 'EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN', 'ERR_STREAM_PREMATURE_CLOSE'),
  ...all('unreachable', 'CERT_HAS_EXPIRED', 'ERR_TLS_CERT_ALTNAME_INVALID', 'SELF_SIGNED_CERT_IN_CHAIN'),
  ...all('unreachable', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'),
])

const BY_STATUS: ReadonlyMap<number, Refusal> = new Map([
  [401, 'rejected'],
  [403, 'denied'],
  [408, 'timed-out'],
  [429, 'throttled'],
])

/** Where the name says nothing: the same one stands for several things. */
const BY_TEXT: readonly (readonly [pattern: RegExp, refusal: Refusal])[] = [
  [/marked for deletion|scheduled for deletion/, 'deleted'],
  [/^Region is missing/, 'rejected'],
]

const TEXTS: Readonly<Record<Exclude<Refusal, 'absent' | 'deleted'>, string>> = {
  exists: 'The secret or its version is there already.',
  conflict: 'Secrets Manager refuses a parameter.',
  rejected: 'Secrets Manager rejects the credentials, or there are none, or no region.',
  denied: 'Secrets Manager denies the identity this operation.',
  undecryptable: 'Secrets Manager cannot use the KMS key of the secret: it is disabled, or denied to the identity.',
  throttled: 'Secrets Manager asks to slow down.',
  'timed-out': 'Secrets Manager did not answer in time.',
  unreachable: 'Secrets Manager cannot be reached.',
  failed: 'Secrets Manager failed.',
}

/** Where something went wrong. */
export interface Place {
  readonly operation: string
  /** The key that is asked for; undefined where the call concerns none. */
  readonly keyId?: string | undefined
}

interface SdkError {
  readonly message?: unknown
  readonly code?: unknown
  readonly $metadata?: { readonly httpStatusCode?: number }
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> }
}

const refusalOf = (thrown: unknown, { message, code, $metadata }: SdkError): Refusal => {
  // The SDK calls a cut connection a timeout.
  const known = BY_NAME.get(String(code)) ?? BY_NAME.get(errorClass(thrown))
  if (known !== undefined) return known
  const told = BY_TEXT.find(([pattern]) => pattern.test(String(message)))?.[1]
  return told ?? BY_STATUS.get($metadata?.httpStatusCode ?? 0) ?? 'failed'
}

/** Whoever closes an idle connection is heard of when it is used next: then one more call, on a new one, tells what is. */
export const isCut = (thrown: unknown): boolean =>
  thrown instanceof Error && 'code' in thrown && (thrown.code === 'ECONNRESET' || thrown.code === 'EPIPE')

const retryAfterOf = ({ $response }: SdkError): number | undefined => {
  const seconds = Number($response?.headers?.['retry-after'] ?? Number.NaN)
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1_000 : undefined
}

/** An outage, as crypto takes it: messages wait. */
export const unavailable = (text: string, operation: string, retryAfterMs?: number): QueueError<'KeyProviderError'> =>
  new QueueError('KeyProviderError', text, { operation, retryAfterMs })

export const timedOut = ({ operation }: Place, timeoutMs: number): QueueError<'KeyProviderError'> =>
  unavailable(`Secrets Manager did not answer within ${timeoutMs} ms.`, operation)

export const disabledKey = (keyId: string, why: string): QueueError<'KeyDisabled'> =>
  new QueueError('KeyDisabled', `The secret of the key ${keyId} ${why}.`)

/** Returns our error for all that the SDK threw, or what else the caller makes of a refusal. */
export function fromSdk<const R extends Refusal>(
  thrown: unknown,
  place: Place,
  expected: readonly R[],
): QueueError | R {
  if (isQueueError(thrown)) return thrown
  const error: SdkError = typeof thrown === 'object' && thrown !== null ? thrown : {}
  const refusal = refusalOf(thrown, error)
  const wanted = expected.find((one) => one === refusal)
  if (wanted !== undefined) return wanted
  const { operation, keyId } = place
  if (refusal === 'absent') return unavailable('There is no such secret.', operation)
  if (refusal === 'deleted') {
    const why = 'is deleted, and can be restored'
    return keyId === undefined ? unavailable(`The secret ${why}.`, operation) : disabledKey(keyId, why)
  }
  return unavailable(TEXTS[refusal], operation, retryAfterOf(error))
}
