import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  ListSecretsCommand,
  ListSecretVersionIdsCommand,
  PutSecretValueCommand,
  type SecretsManagerClient,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager'
import { abortable } from '@queue-runtime/crypto/provider'
import { fromSdk, isCut, type Place, timedOut } from './errors.ts'
import type { SecretsManagerSettings } from './options.ts'

/** What a version of a secret holds: one of the two, or neither. */
export interface SecretValue {
  readonly bytes: Uint8Array | undefined
  readonly text: string | undefined
  readonly createdAt: Date | undefined
}

export interface SecretDescription {
  readonly arn: string
  readonly isDeleted: boolean
  readonly tags: ReadonlyMap<string, string>
  /** Which version has a staging label. */
  readonly holders: ReadonlyMap<string, string>
}

interface SecretVersion {
  readonly id: string
  readonly createdAt: Date | undefined
}

/** Of one call: what it is for, and what ends it. */
export interface Ask extends Place {
  readonly signal?: AbortSignal | undefined
}

/** What is written: bytes, or a text. */
type NewValue = Uint8Array | string

/** The calls to Secrets Manager. All reject with our errors, and with `signal.reason` on an abort. */
export interface Manager {
  /** The current version where none is named; null where there is no such secret, version or value. */
  read(secretId: string, version: string | undefined, ask: Ask): Promise<SecretValue | null>
  describe(secretId: string, ask: Ask): Promise<SecretDescription | null>
  /** Oldest first, those without a label included; empty where there is no such secret. */
  versions(secretId: string, ask: Ask): Promise<SecretVersion[]>
  names(prefix: string, ask: Ask): Promise<string[]>
  /** False where the secret is there already. */
  create(name: string, value: NewValue, options: NewSecret, ask: Ask): Promise<boolean>
  /** False where the version is there already, with another value. */
  put(secretId: string, value: NewValue, options: NewVersion, ask: Ask): Promise<boolean>
  /** Moves a staging label. False where the version that it is moved from does not have it any more. */
  move(secretId: string, label: string, move: { from: string | undefined; to: string }, ask: Ask): Promise<boolean>
  tag(secretId: string, key: string, value: string, ask: Ask): Promise<void>
  untag(secretId: string, keys: readonly string[], ask: Ask): Promise<void>
}

interface NewSecret {
  /** Default: a new UUID. */
  readonly version?: string | undefined
  readonly tags?: Readonly<Record<string, string>>
}

interface NewVersion {
  /** Default: a new UUID. */
  readonly version?: string
  readonly label: string
}

const contentOf = (value: NewValue) => (typeof value === 'string' ? { SecretString: value } : { SecretBinary: value })

const momentOf = ({ createdAt }: SecretVersion): number => createdAt?.getTime() ?? 0

const byAge = (one: SecretVersion, other: SecretVersion): number =>
  momentOf(one) - momentOf(other) || (one.id < other.id ? -1 : 1)

type Expected = 'absent' | 'exists' | 'conflict'

export function createManager({ client, timeoutMs }: SecretsManagerSettings): Manager {
  /** Resolves with the refusal, where the caller expects it. */
  const call = async <T, const R extends Expected = never>(
    { signal, ...place }: Ask,
    act: (client: SecretsManagerClient, options: { abortSignal: AbortSignal }) => Promise<T>,
    ...expected: readonly R[]
  ): Promise<T | R> => {
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
      const known = fromSdk(error, place, expected)
      if (typeof known === 'string') return known
      throw known
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
    }
  }

  /** Reads a list to its end, page by page. */
  const collect = async <T>(
    ask: Ask,
    page: (
      sdk: SecretsManagerClient,
      token: string | undefined,
      options: { abortSignal: AbortSignal },
    ) => Promise<Page<T>>,
  ): Promise<T[]> => {
    const items: T[] = []
    let token: string | undefined
    do {
      const answer = await call(ask, (sdk, options) => page(sdk, token, options), 'absent')
      if (answer === 'absent') return []
      items.push(...answer.items)
      token = answer.next
    } while (token !== undefined)
    return items
  }

  return {
    async read(SecretId, VersionId, ask) {
      const answer = await call(
        ask,
        (sdk, options) => sdk.send(new GetSecretValueCommand({ SecretId, VersionId }), options),
        'absent',
      )
      if (answer === 'absent') return null
      return { bytes: answer.SecretBinary, text: answer.SecretString, createdAt: answer.CreatedDate }
    },
    async describe(SecretId, ask) {
      const answer = await call(
        ask,
        (sdk, options) => sdk.send(new DescribeSecretCommand({ SecretId }), options),
        'absent',
      )
      if (answer === 'absent') return null
      const stages = Object.entries(answer.VersionIdsToStages ?? {})
      return {
        arn: answer.ARN ?? SecretId,
        isDeleted: answer.DeletedDate !== undefined,
        tags: new Map((answer.Tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value])),
        holders: new Map(stages.flatMap(([version, labels]) => labels.map((label) => [label, version] as const))),
      }
    },
    async versions(SecretId, ask) {
      const found = await collect(ask, async (sdk, NextToken, options) => {
        const input = { SecretId, NextToken, IncludeDeprecated: true, MaxResults: 100 }
        const { Versions = [], NextToken: next } = await sdk.send(new ListSecretVersionIdsCommand(input), options)
        return { items: Versions.map(({ VersionId: id = '', CreatedDate: createdAt }) => ({ id, createdAt })), next }
      })
      return found.sort(byAge)
    },
    names: (prefix, ask) =>
      collect(ask, async (sdk, NextToken, options) => {
        const input = { NextToken, MaxResults: 100, Filters: [{ Key: 'name' as const, Values: [prefix] }] }
        const { SecretList = [], NextToken: next } = await sdk.send(new ListSecretsCommand(input), options)
        return { items: SecretList.map(({ Name = '' }) => Name).filter((name) => name.startsWith(prefix)), next }
      }),
    async create(Name, value, { version, tags = {} }, ask) {
      const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))
      const input = { Name, Tags, ...contentOf(value), ...(version !== undefined && { ClientRequestToken: version }) }
      return (
        (await call(ask, (sdk, options) => sdk.send(new CreateSecretCommand(input), options), 'exists')) !== 'exists'
      )
    },
    async put(SecretId, value, { version, label }, ask) {
      const token = version !== undefined && { ClientRequestToken: version }
      const input = { SecretId, VersionStages: [label], ...contentOf(value), ...token }
      return (
        (await call(ask, (sdk, options) => sdk.send(new PutSecretValueCommand(input), options), 'exists')) !== 'exists'
      )
    },
    async move(SecretId, VersionStage, { from, to }, ask) {
      const input = { SecretId, VersionStage, MoveToVersionId: to, RemoveFromVersionId: from }
      const act = (sdk: SecretsManagerClient, options: { abortSignal: AbortSignal }) =>
        sdk.send(new UpdateSecretVersionStageCommand(input), options)
      return (await call(ask, act, 'conflict')) !== 'conflict'
    },
    async tag(SecretId, Key, Value, ask) {
      await call(ask, (sdk, options) => sdk.send(new TagResourceCommand({ SecretId, Tags: [{ Key, Value }] }), options))
    },
    async untag(SecretId, keys, ask) {
      await call(ask, (sdk, options) => sdk.send(new UntagResourceCommand({ SecretId, TagKeys: [...keys] }), options))
    },
  }
}

interface Page<T> {
  readonly items: readonly T[]
  readonly next: string | undefined
}
