import { invalid, type KeyLayout } from '@queue-runtime/crypto/provider'
import { inUse, isDraft, isPending, pending, settleDraft } from './drafts.ts'
import { unavailable } from './errors.ts'
import { toKey } from './key.ts'
import { VERSION } from './limits.ts'
import type { KeyVaultSettings } from './options.ts'
import type { SecretVersion, Vault } from './vault.ts'

/**
 * One secret, and a key for each of its versions, under the id `<name>:<version>`: names of secrets know no colon, so that an id
 * has one reading. The newest version seals that is enabled, begun, not expired and not pending.
 */
export function secretVersions(vault: Vault, settings: KeyVaultSettings & { readonly secret: string }): KeyLayout {
  const { secret: name, keyIds, clock } = settings
  const prefix = `${name}:`
  const keyIdOf = ({ version }: SecretVersion): string => prefix + version

  /** Null for ids that name no version of this secret. */
  const versionOf = (keyId: string): string | null => {
    if (!keyId.startsWith(prefix) || keyIds?.includes(keyId) === false) return null
    const version = keyId.slice(prefix.length)
    return VERSION.test(version) ? version : null
  }

  const list = (operation: string, signal?: AbortSignal): Promise<SecretVersion[]> =>
    vault.versions(name, { operation, secret: name, signal })

  const maySeal = (version: SecretVersion): boolean => {
    const now = clock.now()
    const { isEnabled, notBefore, expiresAt } = version
    const isValid = (notBefore?.getTime() ?? 0) <= now && now < (expiresAt?.getTime() ?? Number.POSITIVE_INFINITY)
    return isEnabled && isValid && !isDraft(version) && !isPending(version)
  }

  const find = async (keyId: string, operation: string, signal?: AbortSignal) => {
    const versions = await list(operation, signal)
    const version = versions.find((one) => keyIdOf(one) === keyId)
    if (version === undefined) throw unavailable(`The key ${keyId} went away meanwhile.`, operation)
    return { version, isSuperseded: versions.slice(versions.indexOf(version) + 1).some(maySeal) }
  }

  return {
    async getKey(keyId, signal) {
      const version = versionOf(keyId)
      if (version === null) return null
      const secret = await vault.read(name, version, { operation: 'get-key', keyId, signal })
      return secret && toKey(keyId, secret)
    },
    async currentKeyId(signal) {
      const newest = (await list('current-key-id', signal)).findLast(maySeal)
      return newest === undefined ? null : keyIdOf(newest)
    },
    async validKeyIds(signal) {
      if (keyIds !== undefined) return keyIds
      return (await list('valid-key-ids', signal)).filter((version) => !isDraft(version)).map(keyIdOf)
    },
    async create(keyId, dates, signal) {
      if (keyId !== undefined)
        throw invalid('keyId', 'invalid-format', 'is made by Key Vault, where versions are keys.')
      const version = await settleDraft(
        vault,
        settings,
        {
          name,
          facts: { ...dates, tags: {} },
          tagsOfKey: pending({}),
          isCandidate: (one) => isDraft(one) || (isPending(one) && one.isEnabled),
        },
        { operation: 'create-key', secret: name, signal },
      )
      return keyIdOf(version)
    },
    async promote(keyId, signal) {
      const { version, isSuperseded } = await find(keyId, 'promote-key', signal)
      if (isSuperseded) throw invalid('keyId', 'out-of-range', 'is older than the current one: versions go one way.')
      if (!isPending(version)) return
      await vault.change(version, { tags: inUse(version.tags) }, { operation: 'promote-key', keyId, signal })
    },
    async expire(keyId, at, signal) {
      const { version } = await find(keyId, 'retire-key', signal)
      if (version.expiresAt !== undefined && version.expiresAt <= at) return version.expiresAt
      await vault.change(version, { expiresAt: at }, { operation: 'retire-key', keyId, signal })
      return at
    },
  }
}
