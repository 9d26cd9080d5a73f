export type { PromotedKey, PromoteKeyOptions, RetiredKey, RetireKeyOptions } from '@queue-runtime/crypto/provider'
export type { SecretsManagerKeyOptions } from './options.ts'
export { secretsManagerKeyProvider } from './provider.ts'
export { type CreateKeyOptions, createKey, promoteKey, retireKey } from './rotation.ts'
