import { join } from 'node:path'
import type { KeyProvider } from '@queue-runtime/crypto'
import { fileKeyProvider } from '@queue-runtime/crypto'
import { isLocalHost, type Variables, variableOf, wrong } from '../config/variables.ts'
import { perQueue, type QueueName } from '../github/routes.ts'
import { asVariable } from './as-variable.ts'
import { awsAccess } from './aws-access.ts'
import { azureCredential } from './azure-credential.ts'
import type { KeyPlan } from './plan.ts'

/** One key per queue: whoever reads one queue can neither read nor write another (requirements DR2, DR3). */
export const KEY_IDS: Readonly<Record<QueueName, string>> = {
  'task-tactician': 'key-a',
  'merge-warden': 'key-b',
  'spec-sentinel': 'key-c',
}

/** Where the keys of each queue are: the name of a secret or of a folder. */
const keyNames = (variables: Variables, prefix: string): Readonly<Record<QueueName, string>> =>
  perQueue((queue) => variables.get(variableOf('KEY', queue)) ?? prefix + KEY_IDS[queue])

const local = (variables: Variables): KeyPlan => {
  const directory = variables.get('KEY_DIRECTORY')
  const names = keyNames(variables, '')
  const fromFiles = (queue: QueueName): KeyProvider => {
    if (directory === undefined) throw wrong('KEY_DIRECTORY', 'is required for KEY_PROVIDER=local here.')
    return fileKeyProvider({ directory: join(directory, names[queue]) })
  }
  return {
    open: async (queue, { embedded }) => embedded.keys?.(queue) ?? fromFiles(queue),
  }
}

const aws = (variables: Variables): KeyPlan => {
  const endpoint = variables.get('SECRETS_MANAGER_ENDPOINT')
  const options = { ...awsAccess(variables), ...(endpoint !== undefined && { endpoint }) }
  const names = keyNames(variables, 'demo-router/')
  return {
    async open(queue, { clock }) {
      const { secretsManagerKeyProvider } = await import('@queue-runtime/keys-aws')
      const name = variableOf('KEY', queue)
      return asVariable({ secret: name, label: name, endpoint: 'SECRETS_MANAGER_ENDPOINT' }, () =>
        secretsManagerKeyProvider({ ...options, secret: names[queue], clock }),
      )
    },
  }
}

const azure = (variables: Variables): KeyPlan => {
  const vaultUrl = variables.require('KEY_VAULT_URL', 'KEY_PROVIDER=azure')
  const ca = variables.get('KEY_VAULT_CA')
  const token = variables.get('KEY_VAULT_TOKEN')
  const isLocal = isLocalHost(new URL(vaultUrl).hostname)
  if (token !== undefined && !isLocal) throw wrong('KEY_VAULT_TOKEN', 'is for a vault on this machine alone.')
  const names = keyNames(variables, '')
  return {
    async open(queue, { clock }) {
      const { SecretClient } = await import('@azure/keyvault-secrets')
      const { keyVaultKeyProvider } = await import('@queue-runtime/keys-azure')
      const credential =
        token === undefined
          ? await azureCredential()
          : { getToken: async () => ({ token, expiresOnTimestamp: Number.MAX_SAFE_INTEGER }) }
      const client = new SecretClient(vaultUrl, credential, {
        retryOptions: { maxRetries: 0 },
        disableChallengeResourceVerification: isLocal,
        ...(ca !== undefined && { tlsOptions: { ca } }),
      })
      return asVariable({ secret: variableOf('KEY', queue) }, () =>
        keyVaultKeyProvider({ client, secret: names[queue], clock }),
      )
    },
  }
}

/** Checks the variables of a key provider, and returns how it is opened. */
export const KEY_PROVIDERS: Readonly<Record<string, (variables: Variables) => KeyPlan>> = { local, azure, aws }
