export type { KeyVaultKeyOptions } from './options.ts'
export { keyVaultKeyProvider } from './provider.ts'
export {
  type CreateKeyOptions,
  createKey,
  type PromotedKey,
  type PromoteKeyOptions,
  promoteKey,
  type RetiredKey,
  type RetireKeyOptions,
  retireKey,
} from './rotation.ts'
