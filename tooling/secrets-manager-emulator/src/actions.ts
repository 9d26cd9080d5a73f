import { randomUUID } from 'node:crypto'
import { type Answer, field, type Json, text } from '@queue-runtime/local-server'
import { exists, markedForDeletion, notFound, noValue, refusal } from './refusals.ts'
import { holderOf, type Secret, type Store, type Value, type Version } from './store.ts'

/** Where the actions act. */
interface Place {
  readonly store: Store
  readonly nowMs: () => number
  readonly pageSize: number
  /** So long ListSecrets does not know of a new secret, in milliseconds. */
  readonly listLagMs: number
  readonly onRotate: ((secret: Secret, token: string) => void) | undefined
}

type Action = (place: Place, body: Json) => Answer

const ok = (body: Json): Answer => ({ status: 200, body })

const list = (json: Json | undefined): readonly Json[] => (Array.isArray(json) ? json : [])

const givenValue = (body: Json): Value => ({ text: text(body, 'SecretString'), binary: text(body, 'SecretBinary') })

const isSame = (one: Value, other: Value): boolean => one.text === other.text && one.binary === other.binary

const isEmpty = ({ value }: Version): boolean => value.text === undefined && value.binary === undefined

const tagsOf = (body: Json): [string, string][] =>
  list(field(body, 'Tags')).map((tag) => [text(tag, 'Key') ?? '', text(tag, 'Value') ?? ''])

const seconds = (ms: number): number => ms / 1_000

const token = (body: Json): string => text(body, 'ClientRequestToken') ?? randomUUID()

/** For actions on a secret that is there and not deleted. */
const onSecret =
  (use: (place: Place, secret: Secret, body: Json) => Answer): Action =>
  (place, body) => {
    const secret = place.store.find(text(body, 'SecretId') ?? '')
    if (secret === undefined) return notFound
    return secret.isDeleted ? markedForDeletion : use(place, secret, body)
  }

/** One page of a list; the token is where the next one begins. */
const page = ({ pageSize }: Place, body: Json, name: string, items: readonly Json[]): Answer => {
  const from = Number(text(body, 'NextToken') ?? 0)
  const next = from + pageSize
  return ok({ [name]: items.slice(from, next), NextToken: next < items.length ? String(next) : undefined })
}

const describe = ({ name, arn, tags, createdMs }: Secret): Record<string, Json> => ({
  ...{ Name: name, ARN: arn, CreatedDate: seconds(createdMs) },
  Tags: [...tags].map(([Key, Value]) => ({ Key, Value })),
})

const written = ({ name, arn }: Secret, { id, stages }: Version): Answer =>
  ok({ Name: name, ARN: arn, VersionId: id, VersionStages: [...stages] })

/** Source: the API reference of each action. */
export const ACTIONS: Readonly<Record<string, Action>> = {
  GetSecretValue: onSecret((_, secret, body) => {
    const id = text(body, 'VersionId')
    const label = text(body, 'VersionStage') ?? (id === undefined ? 'AWSCURRENT' : undefined)
    const labelled = label === undefined ? secret.versions : secret.versions.filter(({ stages }) => stages.has(label))
    const version = labelled.find((one) => id === undefined || one.id === id)
    if (version === undefined || isEmpty(version)) return noValue(label ?? id ?? '')
    return ok({
      ...{ Name: secret.name, ARN: secret.arn, VersionId: version.id, VersionStages: [...version.stages] },
      CreatedDate: seconds(version.createdMs),
      SecretString: version.value.text,
      SecretBinary: version.value.binary,
    })
  }),

  DescribeSecret(place, body) {
    const secret = place.store.find(text(body, 'SecretId') ?? '')
    if (secret === undefined) return notFound
    const labelled = secret.versions.filter(({ stages }) => stages.size > 0)
    return ok({
      ...describe(secret),
      VersionIdsToStages: Object.fromEntries(labelled.map(({ id, stages }) => [id, [...stages]])),
      DeletedDate: secret.isDeleted ? seconds(place.nowMs()) : undefined,
    })
  },

  ListSecretVersionIds: onSecret((place, secret, body) => {
    const versions = secret.versions
      .filter(({ stages }) => field(body, 'IncludeDeprecated') === true || stages.size > 0)
      // The order is not that of time.
      .toSorted((one, other) => (one.id < other.id ? -1 : 1))
      .map(
        ({ id, stages, createdMs }): Json => ({
          VersionId: id,
          VersionStages: [...stages],
          CreatedDate: seconds(createdMs),
        }),
      )
    return page(place, body, 'Versions', versions)
  }),

  ListSecrets(place, body) {
    const { store, nowMs, listLagMs } = place
    const prefixes = list(field(body, 'Filters'))
      .filter((filter) => text(filter, 'Key') === 'name')
      .flatMap((filter) => list(field(filter, 'Values')))
      .map(String)
    const secrets = store
      .all()
      .filter(({ isDeleted, createdMs }) => !isDeleted && nowMs() - createdMs >= listLagMs)
      .filter(({ name }) => prefixes.length === 0 || prefixes.some((prefix) => name.startsWith(prefix)))
    return page(place, body, 'SecretList', secrets.map(describe))
  },

  CreateSecret({ store }, body) {
    const name = text(body, 'Name') ?? ''
    if (!/^[A-Za-z0-9/_+=.@-]{1,512}$/.test(name)) return refusal('ValidationException', 'Invalid name.')
    const known = store.find(name)
    if (known?.isDeleted) {
      return refusal(
        'InvalidRequestException',
        "You can't create this secret because a secret with this name is already scheduled for deletion.",
      )
    }
    if (known !== undefined) return exists(`the secret ${name}`)
    const secret = store.create(name)
    for (const [key, value] of tagsOf(body)) secret.tags.set(key, value)
    const version = store.add(secret, givenValue(body), { id: token(body) })
    store.stage(secret, 'AWSCURRENT', version)
    return written(secret, version)
  },

  PutSecretValue: onSecret(({ store }, secret, body) => {
    const [id, value] = [token(body), givenValue(body)]
    const known = secret.versions.find((version) => version.id === id)
    if (known !== undefined && !isEmpty(known) && !isSame(known.value, value)) return exists(`the version ${id}`)
    const version = known ?? store.add(secret, value, { id })
    version.value = value
    const labels = field(body, 'VersionStages')
    for (const label of labels === undefined ? ['AWSCURRENT'] : list(labels))
      store.stage(secret, String(label), version)
    return written(secret, version)
  }),

  UpdateSecretVersionStage: onSecret(({ store }, secret, body) => {
    const label = text(body, 'VersionStage') ?? ''
    const [to, from] = [text(body, 'MoveToVersionId'), text(body, 'RemoveFromVersionId')]
    const target = secret.versions.find(({ id }) => id === to)
    if (to !== undefined && target === undefined) return notFound
    if (holderOf(secret, label)?.id !== from) {
      return refusal('InvalidParameterException', `RemoveFromVersionId is not the version that has ${label}.`)
    }
    store.stage(secret, label, target)
    return ok({ Name: secret.name, ARN: secret.arn })
  }),

  TagResource: onSecret((_, secret, body) => {
    for (const [key, value] of tagsOf(body)) secret.tags.set(key, value)
    if (secret.tags.size > 50) return refusal('LimitExceededException', 'A secret has at most 50 tags.')
    return ok({})
  }),

  UntagResource: onSecret((_, secret, body) => {
    for (const key of list(field(body, 'TagKeys'))) secret.tags.delete(String(key))
    return ok({})
  }),

  DeleteSecret: onSecret((place, secret) => {
    secret.isDeleted = true
    return ok({ Name: secret.name, ARN: secret.arn, DeletionDate: seconds(place.nowMs()) })
  }),

  RotateSecret: onSecret(({ store, onRotate }, secret, body) => {
    if (onRotate === undefined) return refusal('InvalidRequestException', 'No Lambda rotation function is configured.')
    const id = token(body)
    const announced = secret.versions.find((version) => version.id === id) ?? store.add(secret, {}, { id })
    store.stage(secret, 'AWSPENDING', announced)
    onRotate(secret, id)
    return written(secret, announced)
  }),
}
