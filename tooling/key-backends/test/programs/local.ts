import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { SecretClient } from '@azure/keyvault-secrets'
import { type KeyVault, startKeyVault } from '@queue-runtime/key-vault-emulator'
import { type SecretsManager, startSecretsManager } from '@queue-runtime/secrets-manager-emulator'

let vault: KeyVault | undefined
let manager: SecretsManager | undefined

const closing = <T extends { close(): Promise<void> }>(server: T): T & AsyncDisposable => ({
  ...server,
  [Symbol.asyncDispose]: () => server.close(),
})

export async function localVault(): Promise<KeyVault & AsyncDisposable> {
  vault = await startKeyVault({ tls: ['localhost'] })
  return closing(vault)
}

export async function localManager(): Promise<SecretsManager & AsyncDisposable> {
  manager = await startSecretsManager()
  return closing(manager)
}

/** What a program would make of its configuration: a client for the server that was started last. */
export const local = {
  vaultClient: (): SecretClient =>
    new SecretClient(
      vault?.origin ?? '',
      { getToken: async () => ({ token: 'a-token', expiresOnTimestamp: Number.MAX_SAFE_INTEGER }) },
      { disableChallengeResourceVerification: true, tlsOptions: { ca: vault?.ca ?? '' } },
    ),
  managerClient: (): SecretsManagerClient =>
    new SecretsManagerClient({
      ...{ endpoint: manager?.origin ?? '', region: 'us-east-1', maxAttempts: 1 },
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    }),
}
