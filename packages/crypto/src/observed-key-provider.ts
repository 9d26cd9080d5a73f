import { EncryptionKey } from './encryption-key.ts'
import type { KeyProvider } from './key-provider.ts'

/** Returns the provider with `onKey` told of each key that it gives. */
export const observedKeyProvider = (provider: KeyProvider, onKey: (key: EncryptionKey) => void): KeyProvider => ({
  async getKey(keyId, options) {
    const key = await provider.getKey(keyId, options)
    // What the provider gives is judged by whoever asked for it.
    if (key instanceof EncryptionKey) onKey(key)
    return key
  },
  currentKeyId: (options) => provider.currentKeyId(options),
})
