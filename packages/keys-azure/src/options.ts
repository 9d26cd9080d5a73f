import { SecretClient } from '@azure/keyvault-secrets'
import {
  type Clock,
  checkOptions,
  isKeyId,
  misconfigured,
  type Options,
  option,
  systemClock,
} from '@queue-runtime/crypto/provider'
import { SECRET_NAME } from './limits.ts'

type Credential = ConstructorParameters<typeof SecretClient>[1]

/**
 * - `vaultUrl`, `credential`: the vault, and who asks it, such as a ManagedIdentityCredential of `@azure/identity`
 * - `client`: a SecretClient of your own in place of these two. Give it `retryOptions: { maxRetries: 0 }`: the cache tries again
 * - `secret`: the name of one secret whose versions are the keys. Left out: one secret per key id
 * - `secretName`: which secret holds a key; null for ids that have none. Default: the one named as the key id
 * - `pointer`: the secret that holds the id of the key that seals. Default `current-encryption-key`
 * - `keyIds`: the ids that may be read. With it nothing is listed, so that an identity needs no permission to list
 * - `timeoutMs`: how long one call may take, in milliseconds. Default 10 000
 * - `clock`: default the machine's
 */
export interface KeyVaultKeyOptions
  extends Options<{
    vaultUrl: string
    credential: Credential
    client: SecretClient
    secret: string
    secretName: (keyId: string) => string | null
    pointer: string
    keyIds: readonly string[]
    timeoutMs: number
    clock: Clock
  }> {}

/** The options with every default filled in. */
export interface KeyVaultSettings {
  readonly client: SecretClient
  readonly secret: string | undefined
  readonly secretName: (keyId: string) => string | null
  readonly pointer: string
  readonly keyIds: readonly string[] | undefined
  readonly timeoutMs: number
  readonly clock: Clock
}

const LOCAL = /^(localhost|127\.0\.0\.1|\[::1\])$/

const isVaultUrl = (value: unknown): boolean => {
  const url = typeof value === 'string' ? URL.parse(value) : null
  return url?.protocol === 'https:' && url.username === '' && url.password === ''
}

const isSecretName = option.text(SECRET_NAME, '1 to 127 characters of A-Z, a-z, 0-9 and -')

const clientOf = ({ client, vaultUrl, credential }: KeyVaultKeyOptions): SecretClient => {
  if (client !== undefined) {
    if (vaultUrl !== undefined) throw misconfigured('vaultUrl', 'is that of the client that is given.')
    if (credential !== undefined) throw misconfigured('credential', 'is that of the client that is given.')
    return client
  }
  if (vaultUrl === undefined) throw misconfigured('vaultUrl', 'is required where there is no client.')
  if (credential === undefined) throw misconfigured('credential', 'is required where there is no client.')
  return new SecretClient(vaultUrl, credential, {
    // Whoever caches asks again, and serves what it knows meanwhile.
    retryOptions: { maxRetries: 0 },
    // No local server answers for vault.azure.net.
    disableChallengeResourceVerification: LOCAL.test(new URL(vaultUrl).hostname),
  })
}

/** In the layout of versions these have no meaning. */
const OF_SECRETS = ['secretName', 'pointer'] as const

/** @throws Configuration with the name of the option */
export function keyVaultSettings(options: KeyVaultKeyOptions): KeyVaultSettings {
  checkOptions(options, {
    vaultUrl: option.that('an https URL', isVaultUrl),
    credential: option.object('a TokenCredential', 'getToken'),
    client: option.object('a SecretClient', 'getSecret', 'listPropertiesOfSecretVersions'),
    secret: option.text(/^[0-9A-Za-z][0-9A-Za-z-]{0,94}$/, '1 to 95 characters of A-Z, a-z, 0-9 and -'),
    secretName: option.callback,
    pointer: isSecretName,
    keyIds: option.that('a list of key ids', (value) => Array.isArray(value) && value.every(isKeyId)),
    timeoutMs: option.wholeNumber(1),
    clock: option.object('a Clock', 'now', 'sleep'),
  })
  const {
    secret,
    secretName = (keyId) => keyId,
    pointer = 'current-encryption-key',
    keyIds,
    timeoutMs = 10_000,
  } = options
  for (const name of OF_SECRETS) {
    if (secret !== undefined && options[name] !== undefined) {
      throw misconfigured(name, 'belongs to one secret per key id; leave secret or it out.')
    }
  }
  const client = clientOf(options)
  return { client, secret, secretName, pointer, keyIds, timeoutMs, clock: options.clock ?? systemClock }
}
