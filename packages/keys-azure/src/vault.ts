import type { SecretClient, SecretProperties } from '@azure/keyvault-secrets'
import { abortable } from '@queue-runtime/crypto/provider'
import { fromSdk, isCut, type Place, timedOut, unavailable } from './errors.ts'
import type { KeyVaultSettings } from './options.ts'

/** One version of a secret, without its value. */
export interface SecretVersion {
  readonly name: string
  readonly version: string
  readonly isEnabled: boolean
  readonly createdAt: Date | undefined
  readonly notBefore: Date | undefined
  readonly expiresAt: Date | undefined
  readonly tags: Readonly<Record<string, string>>
}

export interface SecretValue extends SecretVersion {
  readonly value: string
}

/** What is written beside a value, or changed of a version; tags as a whole. */
export interface SecretFacts {
  readonly isEnabled?: boolean
  readonly notBefore?: Date | undefined
  readonly expiresAt?: Date | undefined
  readonly tags?: Readonly<Record<string, string>>
}

/** Of one call: what it is for, and what ends it. */
export interface Ask extends Place {
  readonly signal?: AbortSignal | undefined
}

/** The calls to a vault. All reject with our errors, and with `signal.reason` on an abort. */
export interface Vault {
  /** The latest version where none is named; null where there is no such secret or version. */
  read(name: string, version: string | undefined, ask: Ask): Promise<SecretValue | null>
  /** Oldest first; empty where there is no such secret. */
  versions(name: string, ask: Ask): Promise<SecretVersion[]>
  /** The latest version of every secret. */
  latest(ask: Ask): Promise<SecretVersion[]>
  write(name: string, value: string, facts: SecretFacts, ask: Ask): Promise<void>
  change(version: SecretVersion, facts: SecretFacts, ask: Ask): Promise<void>
}

const versionOf = (properties: SecretProperties): SecretVersion => ({
  name: properties.name,
  version: properties.version ?? '',
  isEnabled: properties.enabled !== false,
  createdAt: properties.createdOn,
  notBefore: properties.notBefore,
  expiresAt: properties.expiresOn,
  tags: properties.tags ?? {},
})

const toSdk = ({ isEnabled, notBefore, expiresAt, tags }: SecretFacts) => ({
  ...(isEnabled !== undefined && { enabled: isEnabled }),
  ...(notBefore !== undefined && { notBefore }),
  ...(expiresAt !== undefined && { expiresOn: expiresAt }),
  ...(tags !== undefined && { tags: { ...tags } }),
})

const momentOf = ({ createdAt }: SecretVersion): number => createdAt?.getTime() ?? 0

/** Key Vault sorts by nothing, and counts whole seconds: of two within one, all must agree on the first. */
const byAge = (one: SecretVersion, other: SecretVersion): number =>
  momentOf(one) - momentOf(other) || (one.version < other.version ? -1 : 1)

export function createVault({ client, timeoutMs }: KeyVaultSettings): Vault {
  const call = async <T>(
    { signal, ...place }: Ask,
    act: (client: SecretClient, options: { abortSignal: AbortSignal }) => Promise<T>,
  ): Promise<T | null> => {
    signal?.throwIfAborted()
    const stop = new AbortController()
    const abort = (): void => stop.abort(signal?.reason)
    const timer = setTimeout(() => stop.abort(timedOut(place, timeoutMs)), timeoutMs).unref()
    signal?.addEventListener('abort', abort, { once: true })
    const attempt = (): Promise<T> => act(client, { abortSignal: stop.signal })
    try {
      const answer = attempt().catch((error: unknown): Promise<T> => {
        if (isCut(error)) return attempt()
        throw error
      })
      return await abortable(answer, stop.signal)
    } catch (error) {
      if (stop.signal.aborted) throw stop.signal.reason
      const known = fromSdk(error, place)
      if (known === null) return null
      throw known
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
    }
  }

  const collect = async (pages: AsyncIterable<SecretProperties[]>): Promise<SecretVersion[]> => {
    const versions: SecretVersion[] = []
    for await (const page of pages) versions.push(...page.map(versionOf))
    return versions
  }

  return {
    async read(name, version, ask) {
      const secret = await call(ask, (sdk, options) =>
        sdk.getSecret(name, { ...options, ...(version !== undefined && { version }) }),
      )
      return secret && { ...versionOf(secret.properties), value: secret.value ?? '' }
    },
    async versions(name, ask) {
      const found = await call(ask, (sdk, options) =>
        collect(sdk.listPropertiesOfSecretVersions(name, options).byPage()),
      )
      return (found ?? []).sort(byAge)
    },
    async latest(ask) {
      return (await call(ask, (sdk, options) => collect(sdk.listPropertiesOfSecrets(options).byPage()))) ?? []
    },
    async write(name, value, facts, ask) {
      await call(ask, (sdk, options) => sdk.setSecret(name, value, { ...options, ...toSdk(facts) }))
    },
    async change({ name, version }, facts, ask) {
      const changed = await call(ask, (sdk, options) =>
        sdk.updateSecretProperties(name, version, { ...options, ...toSdk(facts) }),
      )
      if (changed === null) throw unavailable(`The secret ${name} went away meanwhile.`, ask.operation)
    },
  }
}
