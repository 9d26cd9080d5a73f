import type { KeyProvider } from '@queue-runtime/crypto'
import type { KeyLayout } from '@queue-runtime/crypto/provider'
import { unavailable } from './errors.ts'
import { createManager } from './manager.ts'
import { type SecretsManagerKeyOptions, type SecretsManagerSettings, secretsManagerSettings } from './options.ts'
import { secretPerKey } from './secret-per-key.ts'
import { secretVersions } from './secret-versions.ts'

export function layoutOf(settings: SecretsManagerSettings): KeyLayout {
  const manager = createManager(settings)
  const { place } = settings
  return 'prefix' in place ? secretPerKey(manager, settings, place) : secretVersions(manager, settings, place)
}

/**
 * Returns keys from AWS Secrets Manager: 32 bytes, or the same in base64. It is asked at every call, so put `cachedKeyProvider`
 * over it. A key that is not there is null; KeyDisabled and InvalidKeyLength concern one key; all else is KeyProviderError, in
 * which messages wait.
 *
 * @throws Configuration naming the option
 * @example
 * const keyProvider = cachedKeyProvider(secretsManagerKeyProvider({ prefix: 'orders' }))
 */
export function secretsManagerKeyProvider(options: SecretsManagerKeyOptions): KeyProvider {
  const settings = secretsManagerSettings(options)
  const { place } = settings
  const layout = layoutOf(settings)
  return {
    getKey: async (keyId, { signal } = {}) => layout.getKey(keyId, signal),
    async currentKeyId({ signal } = {}) {
      const keyId = await layout.currentKeyId(signal)
      if (keyId !== null) return keyId
      const missing =
        'prefix' in place ? `There is no secret ${place.prefix}/${place.pointer}.` : 'No version has AWSCURRENT.'
      throw unavailable(missing, 'current-key-id')
    },
    validKeyIds: async ({ signal } = {}) => layout.validKeyIds(signal),
  }
}
