import type { Clock } from '@queue-runtime/core'
import { KEY_IDS } from '../backends/key-providers.ts'
import { perQueue, QUEUES, type QueueName } from '../github/routes.ts'
import { memoryKeyShelf } from '../lab/queue-keys.ts'
import type { KeyOperator, LocalKeys, StartLocal } from './local-server.ts'

const local: StartLocal<LocalKeys> = async () => {
  const shelves = perQueue((queue) => memoryKeyShelf(KEY_IDS[queue]))
  return {
    variables: { KEY_PROVIDER: 'local' },
    embedded: { keys: (queue) => shelves[queue] },
    operatorOf: (queue) => shelves[queue],
    async close() {},
  }
}

/** Nobody else makes keys while the server starts, so there is nobody to wait for. */
const hurried = (clock: Clock): Clock => ({ now: () => clock.now(), sleep: async () => {} })

/** Gives every queue its first key. */
const stock = async (operatorOf: (queue: QueueName) => KeyOperator): Promise<void> => {
  for (const operator of QUEUES.map(operatorOf)) await operator.promote(await operator.create())
}

const AWS_ACCESS = { AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' } as const

const aws: StartLocal<LocalKeys> = async (clock) => {
  const { startSecretsManager } = await import('@queue-runtime/secrets-manager-emulator')
  const { createKey, promoteKey } = await import('@queue-runtime/keys-aws')
  const server = await startSecretsManager({ now: () => clock.now() })
  const operatorOf = (queue: QueueName): KeyOperator => {
    const store = {
      ...{ region: AWS_ACCESS.AWS_REGION, endpoint: server.origin, clock, secret: `demo-router/${KEY_IDS[queue]}` },
      credentials: {
        accessKeyId: AWS_ACCESS.AWS_ACCESS_KEY_ID,
        secretAccessKey: AWS_ACCESS.AWS_SECRET_ACCESS_KEY,
      },
    }
    return {
      create: async () => (await createKey(store, {})).keyId,
      async promote(keyId) {
        await promoteKey(store, { keyId })
      },
    }
  }
  await stock(operatorOf)
  return {
    variables: { ...AWS_ACCESS, KEY_PROVIDER: 'aws', SECRETS_MANAGER_ENDPOINT: server.origin },
    embedded: {},
    operatorOf,
    close: () => server.close(),
  }
}

/** The local vault asks for a token, and takes any. */
const TOKEN = 'local'

const azure: StartLocal<LocalKeys> = async (clock) => {
  const { SecretClient } = await import('@azure/keyvault-secrets')
  const { startKeyVault } = await import('@queue-runtime/key-vault-emulator')
  const { createKey, promoteKey } = await import('@queue-runtime/keys-azure')
  const server = await startKeyVault({ tls: ['localhost'], now: () => clock.now() })
  const ca = server.ca ?? ''
  const credential = { getToken: async () => ({ token: TOKEN, expiresOnTimestamp: Number.MAX_SAFE_INTEGER }) }
  const client = new SecretClient(server.origin, credential, {
    disableChallengeResourceVerification: true,
    retryOptions: { maxRetries: 0 },
    tlsOptions: { ca },
  })
  const operatorBy = (time: Clock, queue: QueueName): KeyOperator => {
    const store = { client, clock: time, secret: KEY_IDS[queue] }
    return {
      create: async () => (await createKey(store)).keyId,
      async promote(keyId) {
        await promoteKey(store, { keyId })
      },
    }
  }
  await stock((queue) => operatorBy(hurried(clock), queue))
  return {
    variables: { KEY_PROVIDER: 'azure', KEY_VAULT_URL: server.origin, KEY_VAULT_CA: ca, KEY_VAULT_TOKEN: TOKEN },
    embedded: {},
    operatorOf: (queue) => operatorBy(clock, queue),
    close: () => server.close(),
  }
}

/** The local stores of keys, by the name of their provider. */
export const LOCAL_KEYS: Readonly<Record<string, StartLocal<LocalKeys>>> = { local, azure, aws }
