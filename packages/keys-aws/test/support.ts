import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import type { SecretsManager } from '@queue-runtime/secrets-manager-emulator'

/** Any will do: the local server does not look at them. */
export const LOCAL = {
  region: 'us-east-1',
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
} as const

/** The SDK as the provider builds it. */
export const clientOf = ({ origin }: SecretsManager): SecretsManagerClient =>
  new SecretsManagerClient({ ...LOCAL, endpoint: origin, maxAttempts: 1 })
