import { createHash, randomBytes } from 'node:crypto'
import { invalid, type KeyLayout } from '@queue-runtime/crypto/provider'
import { disabledKey, unavailable } from './errors.ts'
import { FACTS_TAG, formatFacts, parseFacts, versionTag } from './facts.ts'
import { toKey } from './key.ts'
import { VERSION } from './limits.ts'
import type { Ask, Manager, SecretDescription } from './manager.ts'
import type { SecretPlace, SecretsManagerSettings } from './options.ts'

const CURRENT = 'AWSCURRENT'
const PENDING = 'AWSPENDING'

/** The first version of a secret has AWSCURRENT at once; the tag says that nobody has promoted it yet. */
const FIRST_TAG = 'queue-runtime-first'

/** Others may move the same label at the same time; each time one of them gets on. */
const MAX_MOVES = 10

/** Everybody who wants a successor of a version asks for the same one, so that it is made once. */
const successorOf = (version: string, secret: string): string =>
  createHash('sha256').update(`queue-runtime successor\n${secret}\n${version}`).digest('hex').slice(0, 32)

/**
 * One secret, and a key for each of its versions, under the id `<label>:<VersionId>`: labels know no colon, so that an id has one
 * reading. The version with AWSCURRENT seals; all open, those without a label too.
 */
export function secretVersions(manager: Manager, settings: SecretsManagerSettings, place: SecretPlace): KeyLayout {
  const { keyIds } = settings
  const { secret: secretId } = place
  const prefix = `${place.label}:`

  /** Null for ids that name no version of this secret. */
  const versionOf = (keyId: string): string | null => {
    if (!keyId.startsWith(prefix) || keyIds?.includes(keyId) === false) return null
    const version = keyId.slice(prefix.length)
    return VERSION.test(version) ? version : null
  }

  const describe = async (ask: Ask): Promise<SecretDescription> => {
    const secret = await manager.describe(secretId, ask)
    if (secret !== null && !secret.isDeleted) return secret
    throw unavailable(`The secret of the keys ${prefix}… is not there.`, ask.operation)
  }

  /** Moves a label to a version, whoever has it. */
  const move = async (label: string, to: string, ask: Ask): Promise<void> => {
    for (let left = MAX_MOVES; left > 0; left -= 1) {
      const from = (await describe(ask)).holders.get(label)
      if (from === to || (await manager.move(secretId, label, { from, to }, ask))) return
    }
    throw unavailable(`Others keep moving ${label}.`, ask.operation)
  }

  /** The version that is to seal next, whoever asks for it. */
  const nextVersion = (secret: SecretDescription | null): string => {
    if (secret === null) return successorOf('', secretId)
    const { holders, tags, arn } = secret
    const [current = '', pending = current] = [holders.get(CURRENT), holders.get(PENDING)]
    if (pending !== current || tags.get(FIRST_TAG) === current) return pending
    return successorOf(current, arn)
  }

  return {
    async getKey(keyId, signal) {
      const version = versionOf(keyId)
      if (version === null) return null
      const ask = { operation: 'get-key', keyId, signal }
      const [value, secret] = await Promise.all([manager.read(secretId, version, ask), manager.describe(secretId, ask)])
      return value && toKey(keyId, value, secret?.tags.get(versionTag(version)))
    },
    async currentKeyId(signal) {
      const secret = await manager.describe(secretId, { operation: 'current-key-id', signal })
      const version = secret?.isDeleted ? undefined : secret?.holders.get(CURRENT)
      return version !== undefined && VERSION.test(version) ? prefix + version : null
    },
    async validKeyIds(signal) {
      if (keyIds !== undefined) return keyIds
      const versions = await manager.versions(secretId, { operation: 'valid-key-ids', signal })
      return versions.map(({ id }) => prefix + id).filter((keyId) => versionOf(keyId) !== null)
    },
    async create(keyId, dates, signal) {
      const ask = { operation: 'create-key', signal }
      const secret = await manager.describe(secretId, ask)
      const version = keyId === undefined ? nextVersion(secret) : versionOf(keyId)
      if (version === null) throw invalid('keyId', 'invalid-format', `must be ${prefix}<VersionId>.`)
      const facts = formatFacts(dates)
      const tags: Record<string, string> = facts === '' ? {} : { [versionTag(version)]: facts }
      const bytes = randomBytes(32)
      try {
        const first = { version, tags: { ...tags, [FIRST_TAG]: version } }
        if (secret === null && (await manager.create(secretId, bytes, first, ask))) return prefix + version
        if ((await manager.read(secretId, version, ask)) === null) {
          for (const [key, value] of Object.entries(tags)) await manager.tag(secretId, key, value, ask)
          await manager.put(secretId, bytes, { version, label: PENDING }, ask)
        }
      } finally {
        bytes.fill(0)
      }
      // A version that has lost its label before it was promoted.
      if ((await describe(ask)).holders.get(CURRENT) !== version) await move(PENDING, version, ask)
      return prefix + version
    },
    async promote(keyId, signal) {
      const ask = { operation: 'promote-key', keyId, signal }
      await move(CURRENT, versionOf(keyId) ?? '', ask)
      if ((await describe(ask)).tags.has(FIRST_TAG)) await manager.untag(secretId, [FIRST_TAG], ask)
    },
    async expire(keyId, at, signal) {
      const version = versionOf(keyId) ?? ''
      const ask = { operation: 'retire-key', keyId, signal }
      const [{ tags }, versions] = await Promise.all([describe(ask), manager.versions(secretId, ask)])
      const facts = parseFacts(tags.get(versionTag(version)))
      if (facts === null) throw disabledKey(keyId, 'has a tag that cannot be read')
      // A secret has 50 tags at most; those of versions that Secrets Manager has removed say nothing any more.
      const known = new Set(versions.map(({ id }) => versionTag(id)))
      const idle = [...tags.keys()].filter((key) => key.startsWith(`${FACTS_TAG}:`) && !known.has(key))
      if (idle.length > 0) await manager.untag(secretId, idle, ask)
      if (facts.expiresAt !== undefined && facts.expiresAt <= at) return facts.expiresAt
      await manager.tag(secretId, versionTag(version), formatFacts({ ...facts, expiresAt: at }), ask)
      return at
    },
  }
}
