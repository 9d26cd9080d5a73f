import { randomBytes } from 'node:crypto'
import type { KeyVaultSettings } from './options.ts'
import type { Ask, SecretFacts, SecretVersion, Vault } from './vault.ts'

/** The state of a version that is not in use yet. */
const STATE_TAG = 'queue-runtime-state'

/** Key Vault counts whole seconds, and says nothing of whose clock is ahead. */
const SETTLE_MS = 3_000

type Tags = Readonly<Record<string, string>>

/** Written, disabled, and nobody has decided yet which of several is the key. */
export const isDraft = ({ tags }: SecretVersion): boolean => tags[STATE_TAG] === 'draft'

/** A key that opens, and does not seal yet. */
export const isPending = ({ tags }: SecretVersion): boolean => tags[STATE_TAG] === 'pending'

export const pending = (tags: Tags): Tags => ({ ...tags, [STATE_TAG]: 'pending' })

export const inUse = ({ [STATE_TAG]: _, ...tags }: Tags): Tags => tags

interface Draft {
  readonly name: string
  /** Of the written version. */
  readonly facts: SecretFacts & { readonly tags: Tags }
  /** Of the version that is the key. */
  readonly tagsOfKey: Tags
  /** Whether a version would make a new one needless. */
  isCandidate(version: SecretVersion): boolean
}

/**
 * Resolves with the version that is the key, and writes one where there is none. Key Vault cannot write on a condition: whoever
 * comes at the same time writes one, too. So a version is written disabled, and after a while, when no other can be older any
 * more, the oldest is enabled, by whoever comes to it first. The others stay disabled for ever.
 */
export async function settleDraft(
  vault: Vault,
  { clock }: KeyVaultSettings,
  { name, facts, tagsOfKey, isCandidate }: Draft,
  ask: Ask,
): Promise<SecretVersion> {
  const oldest = async (): Promise<SecretVersion | undefined> => (await vault.versions(name, ask)).find(isCandidate)
  let first = await oldest()
  if (first === undefined) {
    const bytes = randomBytes(32)
    const tags = { ...facts.tags, [STATE_TAG]: 'draft' }
    await vault.write(name, bytes.toString('base64'), { ...facts, tags, isEnabled: false }, ask)
    bytes.fill(0)
  }
  while (first === undefined || isDraft(first)) {
    await clock.sleep(SETTLE_MS, ask.signal)
    first = await oldest()
    if (first === undefined || !isDraft(first)) continue
    await vault.change(first, { isEnabled: true, tags: tagsOfKey }, ask)
    return first
  }
  return first
}
