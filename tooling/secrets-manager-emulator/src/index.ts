export { denied, throttled, unavailable } from './refusals.ts'
export type { RotationStep } from './rotation.ts'
export { type SecretsManager, type SecretsManagerOptions, startSecretsManager } from './server.ts'
export type { Value } from './store.ts'
