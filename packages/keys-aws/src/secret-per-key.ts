import { randomBytes } from 'node:crypto'
import { isKeyId, isKeyText, type KeyLayout } from '@queue-runtime/crypto/provider'
import { disabledKey, unavailable } from './errors.ts'
import { FACTS_TAG, formatFacts, parseFacts } from './facts.ts'
import { toKey } from './key.ts'
import { SECRET_NAME } from './limits.ts'
import type { Manager, SecretValue } from './manager.ts'
import type { PrefixPlace, SecretsManagerSettings } from './options.ts'

const textOf = ({ text, bytes }: SecretValue): string => text ?? Buffer.from(bytes ?? []).toString('utf8')

/**
 * One secret per key id, and one more that holds the id of the key that seals. A key id stands for the oldest version of its
 * secret: whoever writes another value there changes nothing.
 */
export function secretPerKey(manager: Manager, settings: SecretsManagerSettings, place: PrefixPlace): KeyLayout {
  const { keyIds } = settings
  const folder = `${place.prefix}/`
  const pointer = folder + place.pointer

  /** Null for ids that name no secret of this layout: Secrets Manager knows no colon in names. */
  const nameOf = (keyId: string): string | null => {
    if (!isKeyId(keyId) || keyIds?.includes(keyId) === false) return null
    const name = folder + keyId
    return SECRET_NAME.test(name) && name !== pointer ? name : null
  }

  const readPointer = async (signal?: AbortSignal): Promise<string | null> => {
    const value = await manager.read(pointer, undefined, { operation: 'current-key-id', signal })
    if (value === null) return null
    const keyId = textOf(value).trim()
    if (isKeyId(keyId) && !isKeyText(keyId)) return keyId
    throw unavailable(`The secret ${pointer} does not hold the id of a key.`, 'current-key-id')
  }

  return {
    async getKey(keyId, signal) {
      const name = nameOf(keyId)
      if (name === null) return null
      const ask = { operation: 'get-key', keyId, signal }
      const [secret, [first]] = await Promise.all([manager.describe(name, ask), manager.versions(name, ask)])
      if (secret === null || first === undefined) return null
      const value = await manager.read(name, first.id, ask)
      return value && toKey(keyId, value, secret.tags.get(FACTS_TAG))
    },
    currentKeyId: readPointer,
    async validKeyIds(signal) {
      if (keyIds !== undefined) return keyIds
      const names = await manager.names(folder, { operation: 'valid-key-ids', signal })
      return names.map((name) => name.slice(folder.length)).filter((keyId) => nameOf(keyId) !== null)
    },
    async create(keyId = '', dates, signal) {
      const name = nameOf(keyId)
      if (name === null) throw unavailable(`No secret can hold the key ${keyId}.`, 'create-key')
      const bytes = randomBytes(32)
      const facts = formatFacts(dates)
      const tags = facts === '' ? {} : { [FACTS_TAG]: facts }
      try {
        await manager.create(name, bytes, { tags }, { operation: 'create-key', keyId, signal })
      } finally {
        bytes.fill(0)
      }
      return keyId
    },
    async promote(keyId, signal) {
      const current = await readPointer(signal)
      if (current === keyId) return
      const ask = { operation: 'promote-key', signal }
      if (current === null && (await manager.create(pointer, keyId, {}, ask))) return
      await manager.put(pointer, keyId, { label: 'AWSCURRENT' }, ask)
    },
    async expire(keyId, at, signal) {
      const name = nameOf(keyId) ?? ''
      const ask = { operation: 'retire-key', keyId, signal }
      const secret = await manager.describe(name, ask)
      if (secret === null) throw unavailable(`The key ${keyId} went away meanwhile.`, 'retire-key')
      const facts = parseFacts(secret.tags.get(FACTS_TAG))
      if (facts === null) throw disabledKey(keyId, 'has a tag that cannot be read')
      if (facts.expiresAt !== undefined && facts.expiresAt <= at) return facts.expiresAt
      await manager.tag(name, FACTS_TAG, formatFacts({ ...facts, expiresAt: at }), ask)
      return at
    },
  }
}
