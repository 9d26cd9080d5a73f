import type { QueueError } from './errors.ts'

/** The facts of each code that carries some. The other codes are in {@link PlainCode}. */
export interface ErrorFacts {
  QueueNotFound: { queue: string }
  MessageTooLarge: { size: number; maxSize: number }
  Validation: { field: string; rule: 'required' | 'out-of-range' | 'invalid-format' }
  Configuration: { field: string }
  Unsupported: { feature: string }
  SessionLocked: { lockedUntil: Date | undefined }
  ProviderError: { provider: string; providerCode: string }
  MaxDeliveriesExceeded: { maxDeliveries: number }
  BatchPartiallyFailed: { outcomes: readonly ({ messageId: string } | { error: QueueError })[] }
  KeyNotFound: { keyId: string }
  MessageExpired: { encryptedAt: Date; maxAgeMs: number }
  UnsupportedVersion: { version: number }
  InvalidEnvelope: { reason: string }
  NonceReused: { state: 'in-flight' | 'completed' }
}

/** The codes that carry no facts. */
export type PlainCode =
  | 'MessageLockLost'
  | 'AlreadySettled'
  | 'SessionLockLost'
  | 'CredentialRejected'
  | 'PermissionDenied'
  | 'ClientClosed'
  | 'ReservedMarker'
  | 'InvalidBody'
  | 'Timeout'
  | 'ConnectionFailed'
  | 'Throttled'
  | 'CircuitOpen'
  | 'UnencryptedMessage'
  | 'EncryptionFailed'
  | 'AuthenticationFailed'
  | 'KeyExpired'
  | 'KeyNotYetValid'
  | 'KeyUsageLimitExceeded'
  | 'KeyDisposed'
  | 'KeyDisabled'
  | 'KeyMaterialChanged'
  | 'KeyProviderMissing'
  | 'KeyProviderError'
  | 'InvalidKeyLength'
  | 'MessageFromFuture'
  | 'NonceStoreUnavailable'

/** Every code of every package of queue-runtime. */
export type ErrorCode = keyof ErrorFacts | PlainCode

/** The codes that time can heal. A code that is not here is permanent. */
const TRANSIENT: ReadonlyMap<ErrorCode, { readonly retryAfterMs?: number }> = new Map<
  ErrorCode,
  { readonly retryAfterMs?: number }
>([
  ['SessionLocked', { retryAfterMs: 5_000 }],
  ['Timeout', { retryAfterMs: 1_000 }],
  ['ConnectionFailed', { retryAfterMs: 5_000 }],
  ['Throttled', {}],
  ['CircuitOpen', {}],
  ['KeyProviderError', {}],
  ['KeyProviderMissing', {}],
  ['NonceStoreUnavailable', {}],
])

/** What a code says about trying again, unless the error itself says more. */
export const retryTraits = (code: ErrorCode): { isTransient: boolean; retryAfterMs: number | undefined } => {
  const traits = TRANSIENT.get(code)
  return { isTransient: traits !== undefined, retryAfterMs: traits?.retryAfterMs }
}

/**
 * Returns the metric label of a code: its snake case.
 *
 * @example
 * errorLabel('AuthenticationFailed') // 'authentication_failed'
 */
export const errorLabel = (code: ErrorCode): string =>
  code.replace(/(?!^)[A-Z]/g, (letter) => `_${letter}`).toLowerCase()
