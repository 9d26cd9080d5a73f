import { type CallOptions, isQueueError, QueueError } from '@queue-runtime/core'
import { errorClass } from '@queue-runtime/core/provider'
import type { EncryptionKey } from './encryption-key.ts'
import { isKeyId } from './key-id.ts'

/**
 * Where keys come from. Absent, refused and unavailable are three things: `getKey` resolves with null for a key that does not
 * exist, throws KeyDisabled or InvalidKeyLength for one that cannot be used, and anything else it throws is an outage.
 */
export interface KeyProvider {
  getKey(keyId: string, options?: CallOptions): Promise<EncryptionKey | null>
  /** The id of the key that seals. */
  currentKeyId(options?: CallOptions): Promise<string>
  /** All ids that may open. A provider that cannot list leaves it out. */
  validKeyIds?(options?: CallOptions): Promise<readonly string[]>
}

/** The first two concern one key, the third the store. */
const PASSED_ON = ['KeyDisabled', 'InvalidKeyLength', 'KeyProviderError'] as const

/** What a provider throws is passed on by its class alone: its own text may quote a secret or a credential. */
const ask = async <T>(signal: AbortSignal | undefined, question: () => Promise<T>): Promise<T> => {
  try {
    return await question()
  } catch (error) {
    if (signal?.aborted) throw signal.reason
    if (PASSED_ON.some((code) => isQueueError(error, code))) throw error
    throw new QueueError('KeyProviderError', `The key provider failed (${errorClass(error)}).`)
  }
}

/**
 * Resolves with the key.
 * @throws KeyNotFound{keyId} · KeyDisabled, InvalidKeyLength: this key only · KeyProviderError: the store
 */
export async function lookUpKey(
  provider: KeyProvider,
  keyId: string,
  { signal }: CallOptions = {},
): Promise<EncryptionKey> {
  const key = await ask(signal, () => provider.getKey(keyId, { signal }))
  if (key === null) throw new QueueError('KeyNotFound', `There is no key ${keyId}.`, { facts: { keyId } })
  if (key.id !== keyId) {
    throw new QueueError('KeyProviderError', `The key provider gave another key than ${keyId}.`)
  }
  return key
}

/** @throws KeyProviderError */
export async function lookUpCurrentKeyId(provider: KeyProvider, { signal }: CallOptions = {}): Promise<string> {
  const keyId = await ask(signal, () => provider.currentKeyId({ signal }))
  if (isKeyId(keyId)) return keyId
  throw new QueueError('KeyProviderError', 'The key provider gave a current key id outside of the grammar.')
}
