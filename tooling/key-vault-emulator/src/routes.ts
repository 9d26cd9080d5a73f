import { type Answer, type Call, field, type Json, type LocalRequest, text } from '@queue-runtime/local-server'
import { deletedButRecoverable, disabled, notFound, refusal } from './refusals.ts'
import type { Attributes, Secret, Vault, Version } from './vault.ts'

/** Where a vault answers. */
export interface Place {
  readonly vault: Vault
  readonly origin: string
  readonly pageSize: number
}

/** What the path of a request names. */
interface Path {
  readonly name: string
  readonly version: string
}

/** Source: "About keys, secrets and certificates": object names. */
const NAME = /^[0-9a-zA-Z-]{1,127}$/

const attributesOf = ({ enabled, created, updated, nbf, exp }: Version): Json => ({
  ...{ enabled, created, updated, nbf, exp },
  recoveryLevel: 'Recoverable+Purgeable',
  recoverableDays: 90,
})

const bundle = ({ origin }: Place, { name }: Secret, version: Version): Json => ({
  value: version.value,
  id: `${origin}/secrets/${name}/${version.version}`,
  attributes: attributesOf(version),
  tags: version.tags,
  contentType: version.contentType,
})

const item = ({ origin }: Place, path: string, version: Version): Json => ({
  id: `${origin}/secrets/${path}`,
  attributes: attributesOf(version),
  tags: version.tags,
  contentType: version.contentType,
})

/** One page of a list; the link to the next is fetched as it is. */
const page = ({ origin, pageSize }: Place, { url }: LocalRequest, items: readonly Json[]): Answer => {
  const from = Number(url.searchParams.get('$skiptoken') ?? 0)
  const next = from + pageSize
  const link = `${origin}${url.pathname}?api-version=${url.searchParams.get('api-version')}&$skiptoken=${next}`
  return { status: 200, body: { value: items.slice(from, next), nextLink: next < items.length ? link : null } }
}

const readAttributes = (body: Json): Attributes => {
  const given = field(body, 'attributes')
  const number = (name: string): number | undefined => {
    const value = field(given, name)
    return typeof value === 'number' ? value : undefined
  }
  const enabled = field(given, 'enabled')
  return { enabled: typeof enabled === 'boolean' ? enabled : undefined, nbf: number('nbf'), exp: number('exp') }
}

const readTags = (body: Json): Record<string, string> | undefined => {
  const tags = field(body, 'tags')
  if (typeof tags !== 'object' || tags === null) return undefined
  return Object.fromEntries(Object.entries(tags).map(([name, value]) => [name, String(value)]))
}

type Route = (place: Place, path: Path, request: LocalRequest) => Answer

const withVersion =
  (use: (place: Place, secret: Secret, version: Version, request: LocalRequest) => Answer): Route =>
  (place, { name, version }, request) => {
    const secret = place.vault.find(name)
    const found = version ? secret?.versions.find((one) => one.version === version) : secret?.versions.at(-1)
    if (secret === undefined || secret.isDeleted || found === undefined) return notFound(name)
    return use(place, secret, found, request)
  }

const ROUTES: Readonly<Record<string, Route>> = {
  GetSecret: withVersion((place, secret, version) =>
    version.enabled ? { status: 200, body: bundle(place, secret, version) } : disabled,
  ),
  SetSecret(place, { name }, { body }) {
    if (place.vault.find(name)?.isDeleted) return deletedButRecoverable(name)
    const value = text(body, 'value')
    if (value === undefined) return refusal(400, 'BadParameter', 'The value is required.')
    const contentType = text(body, 'contentType')
    const given = { value, contentType, tags: readTags(body), attributes: readAttributes(body) }
    const { secret, version } = place.vault.put(name, given)
    return { status: 200, body: bundle(place, secret, version) }
  },
  UpdateSecret: withVersion((place, secret, version, { body }) => {
    place.vault.change(version, { tags: readTags(body), attributes: readAttributes(body) })
    return { status: 200, body: item(place, `${secret.name}/${version.version}`, version) }
  }),
  DeleteSecret: withVersion((place, secret, version) => {
    secret.isDeleted = true
    const { name } = secret
    return { status: 200, body: { ...Object(bundle(place, secret, version)), recoveryId: `/deletedsecrets/${name}` } }
  }),
  GetDeletedSecret(place, { name }) {
    const secret = place.vault.find(name)
    const latest = secret?.versions.at(-1)
    if (!secret?.isDeleted || latest === undefined) return notFound(name)
    return { status: 200, body: item(place, name, latest) }
  },
  GetSecretVersions(place, { name }, request) {
    const secret = place.vault.find(name)
    if (secret === undefined || secret.isDeleted) return notFound(name)
    // The order is not that of time.
    const versions = secret.versions.toSorted((one, other) => (one.version < other.version ? -1 : 1))
    return page(
      place,
      request,
      versions.map((version) => item(place, `${secret.name}/${version.version}`, version)),
    )
  },
  GetSecrets(place, _, request) {
    const items = place.vault
      .all()
      .filter(({ isDeleted }) => !isDeleted)
      .flatMap(({ name, versions }) => versions.slice(-1).map((latest) => item(place, name, latest)))
    return page(place, request, items)
  },
}

const LISTS: Readonly<Record<string, string>> = { versions: 'GetSecretVersions', deleted: 'GetDeletedSecret' }
const METHODS: Readonly<Record<string, string>> = { PUT: 'SetSecret', PATCH: 'UpdateSecret', DELETE: 'DeleteSecret' }

const pathOf = ({ url }: LocalRequest): Path => {
  const [, root, name = '', version = ''] = decodeURIComponent(url.pathname).split('/')
  if (root === 'deletedsecrets') return { name, version: 'deleted' }
  return root === 'secrets' ? { name, version } : { name: '/', version }
}

/** What the service calls a request. */
export function nameOf(request: LocalRequest): Call {
  const { name, version } = pathOf(request)
  const ofSecret = LISTS[version] ?? 'GetSecret'
  const get = name === '' ? 'GetSecrets' : ofSecret
  return { operation: METHODS[request.method] ?? get, subject: name }
}

/** Answers a request that brought its token. */
export function route(place: Place, request: LocalRequest): Answer {
  const path = pathOf(request)
  const { operation } = nameOf(request)
  if (!request.url.searchParams.has('api-version')) return refusal(400, 'BadParameter', 'api-version is missing.')
  if (operation !== 'GetSecrets' && !NAME.test(path.name)) return refusal(400, 'BadParameter', 'No name of a secret.')
  return ROUTES[operation]?.(place, path, request) ?? refusal(405, 'MethodNotAllowed', 'There is no such call.')
}
