export type { PromotedKey, PromoteKeyOptions, RetiredKey, RetireKeyOptions } from '@queue-runtime/crypto/provider'
export type { KeyVaultKeyOptions } from './options.ts'
export { keyVaultKeyProvider } from './provider.ts'
export { type CreateKeyOptions, createKey, promoteKey, retireKey } from './rotation.ts'
