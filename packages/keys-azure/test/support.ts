import type { TokenCredential } from '@azure/core-auth'
import { SecretClient } from '@azure/keyvault-secrets'
import type { KeyVault } from '@queue-runtime/key-vault-emulator'

/** The local vault takes any token. */
export const credential = (token = 'a-token'): TokenCredential => ({
  getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 }),
})

/** The SDK as the provider builds it, with the authority of the local vault. */
export const clientOf = ({ origin, ca }: KeyVault, who: TokenCredential = credential()): SecretClient =>
  new SecretClient(origin, who, {
    disableChallengeResourceVerification: true,
    retryOptions: { maxRetries: 0 },
    ...(ca !== undefined && { tlsOptions: { ca } }),
  })
