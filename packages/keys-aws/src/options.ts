import { SecretsManagerClient, type SecretsManagerClientConfig } from '@aws-sdk/client-secrets-manager'
import {
  type Clock,
  checkOptions,
  isKeyId,
  misconfigured,
  type Options,
  option,
  systemClock,
} from '@queue-runtime/crypto/provider'
import { LABEL, SECRET_NAME } from './limits.ts'

/**
 * - `prefix`: one secret per key id, `<prefix>/<keyId>`
 * - `pointer`: below the prefix, the secret that holds the id of the key that seals. Default `current`
 * - `secret`: in place of a prefix, the name or ARN of one secret whose versions are the keys
 * - `label`: how key ids call that secret. Default what follows the last slash of its name
 * - `region`: default as the SDK finds it (AWS_REGION, the profile)
 * - `credentials`: default the chain of the SDK: environment, profile, container, instance role
 * - `endpoint`: of a local server; https, or http on this machine
 * - `client`: a SecretsManagerClient of your own in place of these three. Give it `maxAttempts: 1`: the cache tries again
 * - `keyIds`: the ids that may be read. With it secrets are not listed, which no permission allows for some secrets only
 * - `timeoutMs`: how long one call may take, in milliseconds. Default 10 000
 * - `clock`: default the machine's
 */
export interface SecretsManagerKeyOptions
  extends Options<{
    prefix: string
    pointer: string
    secret: string
    label: string
    region: string
    credentials: NonNullable<SecretsManagerClientConfig['credentials']>
    endpoint: string
    client: SecretsManagerClient
    keyIds: readonly string[]
    timeoutMs: number
    clock: Clock
  }> {}

/** One secret per key id. */
export interface PrefixPlace {
  readonly prefix: string
  readonly pointer: string
}

/** One secret whose versions are the keys. */
export interface SecretPlace {
  readonly secret: string
  readonly label: string
}

/** The options with every default filled in. */
export interface SecretsManagerSettings {
  readonly client: SecretsManagerClient
  /** True where nobody else closes the client. */
  readonly isOwnClient: boolean
  readonly place: PrefixPlace | SecretPlace
  readonly keyIds: readonly string[] | undefined
  readonly timeoutMs: number
  readonly clock: Clock
}

const LOCAL = /^(localhost|127\.0\.0\.1|\[::1\])$/
const ARN = /^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[A-Za-z0-9/_+=.@-]+$/

const isEndpoint = (value: unknown): boolean => {
  const url = typeof value === 'string' ? URL.parse(value) : null
  if (url === null || url.username !== '' || url.password !== '') return false
  return url.protocol === 'https:' || (url.protocol === 'http:' && LOCAL.test(url.hostname))
}

const isCredentials = (value: unknown): boolean =>
  typeof value === 'function' ||
  (typeof value === 'object' && value !== null && 'accessKeyId' in value && 'secretAccessKey' in value)

const isSecret = (value: unknown): boolean =>
  typeof value === 'string' && (ARN.test(value) || (SECRET_NAME.test(value) && !value.startsWith('arn:')))

/** What a client of one's own brings with it. */
const OWN_TO_CLIENT = ['region', 'credentials', 'endpoint'] as const

const clientOf = (options: SecretsManagerKeyOptions): SecretsManagerClient => {
  const { client, region, credentials, endpoint } = options
  for (const name of OWN_TO_CLIENT) {
    if (client !== undefined && options[name] !== undefined) {
      throw misconfigured(name, 'is that of the client that is given.')
    }
  }
  if (client !== undefined) return client
  return new SecretsManagerClient({
    ...(region !== undefined && { region }),
    ...(credentials !== undefined && { credentials }),
    ...(endpoint !== undefined && { endpoint }),
    // Whoever caches asks again, and serves what it knows meanwhile.
    maxAttempts: 1,
  })
}

const placeOf = ({ prefix, pointer, secret, label }: SecretsManagerKeyOptions): PrefixPlace | SecretPlace => {
  if (secret === undefined) {
    if (prefix === undefined) throw misconfigured('prefix', 'is required where there is no secret.')
    if (label !== undefined) throw misconfigured('label', 'belongs to secret.')
    return { prefix, pointer: pointer ?? 'current' }
  }
  if (prefix !== undefined) throw misconfigured('prefix', 'and secret are two layouts; leave one out.')
  if (pointer !== undefined) throw misconfigured('pointer', 'belongs to prefix.')
  const short = label ?? (ARN.test(secret) ? '' : secret.slice(secret.lastIndexOf('/') + 1))
  if (LABEL.test(short)) return { secret, label: short }
  throw misconfigured('label', 'is required for an ARN, and for a name that is not of the grammar of key ids.')
}

/** @throws Configuration with the name of the option */
export function secretsManagerSettings(options: SecretsManagerKeyOptions): SecretsManagerSettings {
  checkOptions(options, {
    prefix: option.text(
      /^(?!arn:)[A-Za-z0-9_+=.@-]+(\/[A-Za-z0-9_+=.@-]+)*$/,
      'the beginning of a name, without a slash at its end',
    ),
    pointer: option.text(/^[A-Za-z0-9_+=.@-]{1,128}$/, 'one part of a name'),
    secret: option.that('the name or the whole ARN of a secret', isSecret),
    label: option.text(LABEL, '1 to 63 characters of A-Z, a-z, 0-9, ., _ and -, a letter or digit first'),
    region: option.text(/^[a-z0-9-]{1,64}$/, 'the name of a region'),
    credentials: option.that('credentials or a provider of them', isCredentials),
    endpoint: option.that('an https URL; http only on this machine', isEndpoint),
    client: option.object('a SecretsManagerClient', 'send', 'destroy'),
    keyIds: option.that('a list of key ids', (value) => Array.isArray(value) && value.every(isKeyId)),
    timeoutMs: option.wholeNumber(1),
    clock: option.object('a Clock', 'now', 'sleep'),
  })
  const { keyIds, timeoutMs = 10_000, clock = systemClock } = options
  const place = placeOf(options)
  return { client: clientOf(options), isOwnClient: options.client === undefined, place, keyIds, timeoutMs, clock }
}
