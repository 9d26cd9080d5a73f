import { type Options, QueueError } from '@queue-runtime/core'
import { checkOptions, option } from '@queue-runtime/core/provider'
import { EncryptionKey } from './encryption-key.ts'
import { isKeyId } from './key-id.ts'
import type { KeyProvider } from './key-provider.ts'
import { decodeKeyText } from './key-text.ts'

/**
 * - `variables`: for each key id the name of the environment variable that holds the key, 32 bytes in base64 or hex
 * - `current`: the id of the key that seals
 * - `env`: default `process.env`
 */
export interface EnvKeyProviderOptions extends Options<{ env: Readonly<Record<string, string | undefined>> }> {
  readonly variables: Readonly<Record<string, string>>
  readonly current: string
}

const isVariableMap = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  Object.entries(value).length > 0 &&
  Object.entries(value).every(([keyId, name]) => isKeyId(keyId) && typeof name === 'string' && name !== '')

/**
 * Returns keys from environment variables, for local work: every child process and every crash report can read them.
 *
 * @throws Configuration naming `variables` or `current`
 * @example
 * const keyProvider = envKeyProvider({ variables: { 'orders-1': 'ORDERS_KEY' }, current: 'orders-1' })
 */
export function envKeyProvider(options: EnvKeyProviderOptions): KeyProvider {
  checkOptions(
    options,
    {
      variables: option.that('an object of key ids and variable names', isVariableMap),
      current: option.that('one of the key ids', (id) => Object.hasOwn(options.variables ?? {}, String(id))),
      env: option.object('an object'),
    },
    ['variables', 'current'],
  )
  const { variables, current, env = process.env } = options
  return {
    async getKey(keyId) {
      const name = Object.hasOwn(variables, keyId) ? variables[keyId] : undefined
      const text = name === undefined ? undefined : env[name]
      if (name === undefined) return null
      // A key that is configured and not there is a mistake of the deployment: its messages wait instead of being given up.
      if (!text) throw new QueueError('KeyProviderError', `${name}, the variable of the key ${keyId}, is not set.`)
      return EncryptionKey.fromBytes(keyId, decodeKeyText(keyId, text), { zeroSource: true })
    },
    currentKeyId: async () => current,
    validKeyIds: async () => Object.keys(variables),
  }
}
