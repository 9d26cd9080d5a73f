export type { SecretsManagerKeyOptions } from './options.ts'
export { secretsManagerKeyProvider } from './provider.ts'
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
