import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { SecretClient } from '@azure/keyvault-secrets'
import type { Clock } from '@queue-runtime/core'
import type { KeyProvider } from '@queue-runtime/crypto'
import {
  startKeyVault,
  throttled as vaultThrottled,
  unavailable as vaultUnavailable,
} from '@queue-runtime/key-vault-emulator'
import * as aws from '@queue-runtime/keys-aws'
import * as azure from '@queue-runtime/keys-azure'
import type { Fault, LocalServer } from '@queue-runtime/local-server'
import {
  throttled as managerThrottled,
  unavailable as managerUnavailable,
  startSecretsManager,
} from '@queue-runtime/secrets-manager-emulator'

/** A key store over the wire, with the package for it. */
export interface Backend {
  readonly server: LocalServer
  readonly faults: { readonly throttled: Fault; readonly unavailable: Fault }
  /** One more party, with a client of its own. */
  connect(): KeyProvider
  /** `keyId`: where versions are keys, the store makes it. */
  createKey(keyId: string): Promise<string>
  promoteKey(keyId: string): Promise<string | undefined>
  retireKey(keyId: string, graceMs: number): Promise<Date>
  close(): Promise<void>
}

type Start = (clock: Clock) => Promise<Backend>

const LIFE_MS = 60_000

const startAzure =
  (layout: { readonly secret?: string }): Start =>
  async (clock) => {
    const server = await startKeyVault({ tls: ['localhost'], now: () => clock.now() })
    const credential = { getToken: async () => ({ token: 'a-token', expiresOnTimestamp: Number.MAX_SAFE_INTEGER }) }
    const store = () => ({
      ...{ ...layout, clock },
      client: new SecretClient(server.origin, credential, {
        disableChallengeResourceVerification: true,
        retryOptions: { maxRetries: 0 },
        tlsOptions: { ca: server.ca ?? '' },
      }),
    })
    return {
      server,
      faults: {
        throttled: { kind: 'answer', ...vaultThrottled(1) },
        unavailable: { kind: 'answer', ...vaultUnavailable },
      },
      connect: () => azure.keyVaultKeyProvider(store()),
      async createKey(keyId) {
        return (await azure.createKey(store(), layout.secret === undefined ? { keyId } : {})).keyId
      },
      promoteKey: async (keyId) => (await azure.promoteKey(store(), { keyId })).previousKeyId,
      async retireKey(keyId, graceMs) {
        return (await azure.retireKey(store(), { keyId, graceMs, messageLifeMs: LIFE_MS })).removableAt
      },
      close: () => server.close(),
    }
  }

const startAws =
  (layout: { readonly prefix: string } | { readonly secret: string }): Start =>
  async (clock) => {
    const server = await startSecretsManager({ now: () => clock.now() })
    const clients: SecretsManagerClient[] = []
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
    const store = () => {
      const client = new SecretsManagerClient({
        ...{ region: 'us-east-1', endpoint: server.origin, credentials, maxAttempts: 1 },
      })
      clients.push(client)
      return { ...layout, clock, client }
    }
    return {
      server,
      faults: {
        throttled: { kind: 'answer', ...managerThrottled(1) },
        unavailable: { kind: 'answer', ...managerUnavailable },
      },
      connect: () => aws.secretsManagerKeyProvider(store()),
      async createKey(keyId) {
        return (await aws.createKey(store(), 'prefix' in layout ? { keyId } : {})).keyId
      },
      promoteKey: async (keyId) => (await aws.promoteKey(store(), { keyId })).previousKeyId,
      async retireKey(keyId, graceMs) {
        return (await aws.retireKey(store(), { keyId, graceMs, messageLifeMs: LIFE_MS })).removableAt
      },
      async close() {
        for (const client of clients) client.destroy()
        await server.close()
      },
    }
  }

export const BACKENDS: readonly (readonly [name: string, start: Start])[] = [
  ['Key Vault, one secret per key', startAzure({})],
  ['Key Vault, versions of one secret', startAzure({ secret: 'orders' })],
  ['Secrets Manager, one secret per key', startAws({ prefix: 'prod/orders' })],
  ['Secrets Manager, versions of one secret', startAws({ secret: 'prod/orders' })],
]
