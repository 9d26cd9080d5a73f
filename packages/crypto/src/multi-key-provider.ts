import { QueueError } from '@queue-runtime/core'
import { checkOptions, invalid, misconfigured, option } from '@queue-runtime/core/provider'
import { EncryptionKey, keyObjectOf } from './encryption-key.ts'
import type { KeyProvider } from './key-provider.ts'

/** Keys in memory. Rotation in four steps: `add` the new key everywhere, `setCurrent` at the senders, wait, `remove` the old one. */
export interface MultiKeyProvider extends KeyProvider {
  /**
   * Adds a key that opens from now on. The same key again changes nothing but its dates.
   * @throws KeyMaterialChanged: the id stands for other bytes
   */
  add(key: EncryptionKey): void
  /** Makes a known key the one that seals. @throws KeyNotFound{keyId} */
  setCurrent(keyId: string): void
  /**
   * Removes a key: what it sealed gives KeyNotFound from then on. Returns false where it was not there.
   * @throws Validation: the key is the current one
   */
  remove(keyId: string): boolean
}

/**
 * Returns a provider of the given keys. `current` names the one that seals; it may be left out where there is one key only.
 * The keys stay the caller's: removing one does not dispose it.
 *
 * @throws Configuration naming `keys` or `current`
 * @example
 * const keyProvider = multiKeyProvider({ keys: [october, november], current: 'orders-2026-11' })
 */
export function multiKeyProvider(options: {
  readonly keys: readonly EncryptionKey[]
  readonly current?: string | undefined
}): MultiKeyProvider {
  checkOptions(
    options,
    {
      keys: option.that('a list of at least one EncryptionKey', isKeyList),
      current: option.that('the id of one of the keys', (id) => options.keys.some((key) => key.id === id)),
    },
    ['keys'],
  )
  const [first] = options.keys
  if (options.current === undefined && options.keys.length > 1) {
    throw misconfigured('current', 'is required where there is more than one key.')
  }
  const keys = new Map<string, EncryptionKey>()
  let current = options.current ?? (first as EncryptionKey).id

  const provider: MultiKeyProvider = {
    getKey: async (keyId) => keys.get(keyId) ?? null,
    currentKeyId: async () => current,
    validKeyIds: async () => [...keys.keys()],
    add(key) {
      if (!(key instanceof EncryptionKey)) throw invalid('key', 'invalid-format', 'must be an EncryptionKey.')
      const known = keys.get(key.id)
      if (known !== undefined && !keyObjectOf(known).equals(keyObjectOf(key))) {
        throw new QueueError('KeyMaterialChanged', `The key ${key.id} is known with other bytes.`)
      }
      keys.set(key.id, key)
    },
    setCurrent(keyId) {
      if (!keys.has(keyId)) throw new QueueError('KeyNotFound', `There is no key ${keyId}.`, { facts: { keyId } })
      current = keyId
    },
    remove(keyId) {
      if (keyId === current) throw invalid('keyId', 'invalid-format', 'names the current key; set another one first.')
      return keys.delete(keyId)
    },
  }
  for (const key of options.keys) provider.add(key)
  return provider
}

const isKeyList = (value: unknown): boolean =>
  Array.isArray(value) && value.length > 0 && value.every((key) => key instanceof EncryptionKey)
