import type { KeyProvider } from '@queue-runtime/crypto'
import type { KeyLayout } from '@queue-runtime/crypto/provider'
import { unavailable } from './errors.ts'
import { type KeyVaultKeyOptions, type KeyVaultSettings, keyVaultSettings } from './options.ts'
import { secretPerKey } from './secret-per-key.ts'
import { secretVersions } from './secret-versions.ts'
import { createVault } from './vault.ts'

export function layoutOf(settings: KeyVaultSettings): KeyLayout {
  const vault = createVault(settings)
  const { secret } = settings
  return secret === undefined ? secretPerKey(vault, settings) : secretVersions(vault, { ...settings, secret })
}

/**
 * Returns keys from the secrets of an Azure Key Vault: 32 bytes in base64. The vault is asked at every call, so put
 * `cachedKeyProvider` over it. A key that is not there is null; KeyDisabled and InvalidKeyLength concern one key; all else is
 * KeyProviderError, in which messages wait.
 *
 * @throws Configuration naming the option
 * @example
 * const keyProvider = cachedKeyProvider(keyVaultKeyProvider({ vaultUrl: 'https://orders.vault.azure.net', credential }))
 */
export function keyVaultKeyProvider(options: KeyVaultKeyOptions): KeyProvider {
  const settings = keyVaultSettings(options)
  const { pointer, secret } = settings
  const layout = layoutOf(settings)
  return {
    getKey: async (keyId, { signal } = {}) => layout.getKey(keyId, signal),
    async currentKeyId({ signal } = {}) {
      const keyId = await layout.currentKeyId(signal)
      if (keyId !== null) return keyId
      const why = secret === undefined ? `There is no secret ${pointer}.` : `No version of ${secret} may seal.`
      throw unavailable(why, 'current-key-id')
    },
    validKeyIds: async ({ signal } = {}) => layout.validKeyIds(signal),
  }
}
