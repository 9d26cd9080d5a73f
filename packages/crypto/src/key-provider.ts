import { type CallOptions, isQueueError, QueueError } from '@queue-runtime/core'
import { errorClass } from '@queue-runtime/core/provider'
import { EncryptionKey } from './encryption-key.ts'
import { isKeyId } from './key-id.ts'

/**
 * Where keys come from. Absent, refused and unavailable are three things: `getKey` resolves with null for a key that does not
 * exist, throws KeyDisabled or InvalidKeyLength for one that cannot be used, and anything else it throws is an outage.
 */
export interface KeyProvider {
  /**
   * Resolves with the key of that id, or with null where there is none.
   *
   * @throws KeyDisabled, InvalidKeyLength: this key cannot be used · anything else: the store does not answer
   */
  getKey(keyId: string, options?: CallOptions): Promise<EncryptionKey | null>
  /** The id of the key that seals. */
  currentKeyId(options?: CallOptions): Promise<string>
  /** All ids that may open. A provider that cannot list leaves it out. */
  validKeyIds?(options?: CallOptions): Promise<readonly string[]>
}

/** The first two concern one key, the third the store. */
const PASSED_ON = ['KeyDisabled', 'InvalidKeyLength', 'KeyProviderError'] as const

/** What a provider throws is passed on by its class alone: its own text may quote a secret or a credential. */
const failureOf = (error: unknown, signal: AbortSignal | undefined): unknown => {
  if (signal?.aborted) return signal.reason
  if (PASSED_ON.some((code) => isQueueError(error, code))) return error
  return new QueueError('KeyProviderError', `The key provider failed (${errorClass(error)}).`)
}

const notFound = (keyId: string): QueueError<'KeyNotFound'> =>
  new QueueError('KeyNotFound', `There is no key ${keyId}.`, { facts: { keyId } })

/**
 * Resolves with what `use` returns of the key. All in one asynchronous step, since each further one is time and garbage on every
 * message.
 * @throws KeyNotFound{keyId} · KeyDisabled, InvalidKeyLength: this key only · KeyProviderError: the store · what `use` throws
 */
export async function withKey<T>(
  provider: KeyProvider,
  keyId: string,
  { signal }: CallOptions,
  use: (key: EncryptionKey) => T,
): Promise<T> {
  // An id outside of the grammar names no key, and could name something else in a store.
  if (!isKeyId(keyId)) throw notFound(keyId)
  let key: unknown
  try {
    key = await provider.getKey(keyId, { signal })
  } catch (error) {
    throw failureOf(error, signal)
  }
  if (key === null || key === undefined) throw notFound(keyId)
  if (!(key instanceof EncryptionKey) || key.id !== keyId) {
    throw new QueueError('KeyProviderError', `The key provider gave something else than the key ${keyId}.`)
  }
  return use(key)
}

/** @throws KeyProviderError */
export async function lookUpCurrentKeyId(provider: KeyProvider, { signal }: CallOptions = {}): Promise<string> {
  let keyId: string
  try {
    keyId = await provider.currentKeyId({ signal })
  } catch (error) {
    throw failureOf(error, signal)
  }
  if (isKeyId(keyId)) return keyId
  throw new QueueError('KeyProviderError', 'The key provider gave a current key id outside of the grammar.')
}
