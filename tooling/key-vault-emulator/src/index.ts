export { denied, disabled, throttled, unavailable } from './refusals.ts'
export { type KeyVault, type KeyVaultOptions, startKeyVault } from './server.ts'
export type { Attributes } from './vault.ts'
