import { errorClass, isQueueError, QueueError } from '@queue-runtime/crypto/provider'

// Every error of this package. None holds anything of a secret, nor the text of an error of the SDK.

/** What Key Vault, the SDK or the network says of a call. The first two concern one secret, the others the vault. */
type Refusal =
  | 'absent'
  | 'disabled'
  | 'deleted'
  | 'rejected'
  | 'denied'
  | 'throttled'
  | 'timed-out'
  | 'unreachable'
  | 'failed'

const all = (refusal: Refusal, ...codes: readonly string[]): [string, Refusal][] => codes.map((code) => [code, refusal])

/** Source: "Key Vault REST API error codes", the classes of @azure/identity, and the codes of Node. */
const BY_CODE: ReadonlyMap<string, Refusal> = new Map([
  ...all('absent', 'SecretNotFound'),
  ...all('disabled', 'SecretDisabled'),
  ...all('deleted', 'ObjectIsDeletedButRecoverable', 'ObjectIsBeingDeleted'),
  ...all('rejected', 'CredentialUnavailableError', 'AuthenticationError', 'AggregateAuthenticationError'),
  ...all('rejected', 'AuthenticationRequiredError', 'Unauthorized'),
  ...all('timed-out', 'ETIMEDOUT', 'ESOCKETTIMEDOUT'),
  ...all('unreachable', 'ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ENOTFOUND', 'EAI_AGAIN'),
  ...all('unreachable', 'EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN', 'REQUEST_SEND_ERROR', 'PARSE_ERROR'),
  ...all('unreachable', 'CERT_HAS_EXPIRED', 'ERR_TLS_CERT_ALTNAME_INVALID', 'SELF_SIGNED_CERT_IN_CHAIN'),
  ...all('unreachable', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'),
])

const BY_STATUS: ReadonlyMap<number, Refusal> = new Map([
  [401, 'rejected'],
  [403, 'denied'],
  [408, 'timed-out'],
  [429, 'throttled'],
])

const TEXTS: Readonly<Record<Exclude<Refusal, 'absent' | 'disabled' | 'deleted'>, string>> = {
  rejected: 'Key Vault rejects the credential, or there is none.',
  denied: 'Key Vault denies the identity this operation.',
  throttled: 'Key Vault asks to slow down.',
  'timed-out': 'Key Vault did not answer in time.',
  unreachable: 'Key Vault cannot be reached.',
  failed: 'Key Vault failed.',
}

/** Where something went wrong. `secret`: its name. */
export interface Place {
  readonly operation: string
  readonly secret?: string | undefined
  /** The key that is asked for; undefined where the call concerns none. */
  readonly keyId?: string | undefined
}

interface SdkError {
  readonly code?: unknown
  readonly statusCode?: unknown
  readonly details?: { readonly error?: { readonly innerError?: { readonly code?: unknown } } }
  readonly response?: { readonly headers?: { get(name: string): string | undefined } }
}

const refusalOf = (thrown: unknown, { code, statusCode, details }: SdkError): Refusal => {
  // What Key Vault says inside is the more exact: a disabled secret is answered 403, like a denied identity.
  const names = [details?.error?.innerError?.code, code, errorClass(thrown)]
  const known = names.map((name) => BY_CODE.get(String(name))).find((refusal) => refusal !== undefined)
  return known ?? BY_STATUS.get(Number(statusCode)) ?? 'failed'
}

/** Whoever closes an idle connection is heard of when it is used next: then one more call, on a new one, tells what is. */
export const isCut = (thrown: unknown): boolean =>
  thrown instanceof Error && 'code' in thrown && (thrown.code === 'ECONNRESET' || thrown.code === 'EPIPE')

const retryAfterOf = ({ response }: SdkError): number | undefined => {
  const seconds = Number(response?.headers?.get('retry-after') ?? Number.NaN)
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1_000 : undefined
}

/** An outage, as crypto takes it: messages wait. */
export const unavailable = (text: string, operation: string, retryAfterMs?: number): QueueError<'KeyProviderError'> =>
  new QueueError('KeyProviderError', text, { operation, retryAfterMs })

export const timedOut = ({ operation }: Place, timeoutMs: number): QueueError<'KeyProviderError'> =>
  unavailable(`Key Vault did not answer within ${timeoutMs} ms.`, operation)

export const disabledKey = (keyId: string, why = 'is disabled'): QueueError<'KeyDisabled'> =>
  new QueueError('KeyDisabled', `The secret of the key ${keyId} ${why}.`)

/** Returns null where there is no such secret, and our error for all else that the SDK threw. */
export function fromSdk(thrown: unknown, place: Place): QueueError | null {
  if (isQueueError(thrown)) return thrown
  const error: SdkError = typeof thrown === 'object' && thrown !== null ? thrown : {}
  const refusal = refusalOf(thrown, error)
  const { operation, secret = 'asked for', keyId } = place
  if (refusal === 'absent') return null
  if (refusal === 'disabled' || refusal === 'deleted') {
    const why = refusal === 'deleted' ? 'is deleted, and can be recovered' : 'is disabled'
    return keyId === undefined ? unavailable(`The secret ${secret} ${why}.`, operation) : disabledKey(keyId, why)
  }
  return unavailable(TEXTS[refusal], operation, retryAfterOf(error))
}
