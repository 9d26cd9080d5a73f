import { isKeyId, isKeyText, type KeyLayout } from '@queue-runtime/crypto/provider'
import { isDraft, settleDraft } from './drafts.ts'
import { disabledKey, unavailable } from './errors.ts'
import { toKey } from './key.ts'
import { SECRET_NAME } from './limits.ts'
import type { KeyVaultSettings } from './options.ts'
import type { SecretVersion, Vault } from './vault.ts'

/** Says which key a secret holds. */
const KEY_TAG = 'queue-runtime-key'

/**
 * One secret per key id, and one more that holds the id of the key that seals. A key id stands for the oldest version of its
 * secret: whoever writes another value there changes nothing.
 */
export function secretPerKey(vault: Vault, settings: KeyVaultSettings): KeyLayout {
  const { secretName, pointer, keyIds } = settings

  /** Null for ids that name no secret of this layout. */
  const nameOf = (keyId: string): string | null => {
    if (!isKeyId(keyId) || keyIds?.includes(keyId) === false) return null
    const name = secretName(keyId)
    // Key Vault compares names without regard to case.
    const isName = name !== null && SECRET_NAME.test(name) && name.toLowerCase() !== pointer.toLowerCase()
    return isName ? name : null
  }

  const firstVersion = async (
    name: string,
    keyId: string,
    signal?: AbortSignal,
  ): Promise<SecretVersion | undefined> => {
    const [first] = await vault.versions(name, { operation: 'get-key', keyId, signal })
    // The id of a key is spelled in one way only.
    return first?.name === name ? first : undefined
  }

  const readPointer = async (signal?: AbortSignal): Promise<string | null> => {
    const secret = await vault.read(pointer, undefined, { operation: 'current-key-id', secret: pointer, signal })
    if (secret === null) return null
    const keyId = secret.value.trim()
    if (isKeyId(keyId) && !isKeyText(keyId)) return keyId
    throw unavailable(`The secret ${pointer} does not hold the id of a key.`, 'current-key-id')
  }

  return {
    async getKey(keyId, signal) {
      const name = nameOf(keyId)
      if (name === null) return null
      const ask = { operation: 'get-key', keyId, signal }
      let version: string | undefined
      // To list the versions of a secret takes the permission to list, which is not there with configured ids.
      if (keyIds === undefined) {
        const first = await firstVersion(name, keyId, signal)
        if (first === undefined) return null
        if (!first.isEnabled) throw disabledKey(keyId)
        version = first.version
      }
      const secret = await vault.read(name, version, ask)
      return secret?.name === name ? toKey(keyId, secret) : null
    },
    currentKeyId: readPointer,
    async validKeyIds(signal) {
      if (keyIds !== undefined) return keyIds
      const secrets = await vault.latest({ operation: 'valid-key-ids', signal })
      return secrets.flatMap(({ name, tags: { [KEY_TAG]: keyId = '' } }) => (nameOf(keyId) === name ? [keyId] : []))
    },
    async create(keyId = '', dates, signal) {
      const name = nameOf(keyId)
      if (name === null) throw unavailable(`No secret can hold the key ${keyId}.`, 'create-key')
      const tags = { [KEY_TAG]: keyId }
      const version = await settleDraft(
        vault,
        settings,
        { name, facts: { ...dates, tags }, tagsOfKey: tags, isCandidate: () => true },
        { operation: 'create-key', keyId, signal },
      )
      if (!version.isEnabled && !isDraft(version)) throw disabledKey(keyId)
      return keyId
    },
    async promote(keyId, signal) {
      if ((await readPointer(signal)) === keyId) return
      await vault.write(pointer, keyId, {}, { operation: 'promote-key', secret: pointer, signal })
    },
    async expire(keyId, at, signal) {
      const version = await firstVersion(nameOf(keyId) ?? '', keyId, signal)
      if (version === undefined) throw unavailable(`The key ${keyId} went away meanwhile.`, 'retire-key')
      if (version.expiresAt !== undefined && version.expiresAt <= at) return version.expiresAt
      await vault.change(version, { expiresAt: at }, { operation: 'retire-key', keyId, signal })
      return at
    },
  }
}
