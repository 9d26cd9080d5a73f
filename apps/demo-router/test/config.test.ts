import { isQueueError } from '@queue-runtime/core'
import { systemClock } from '@queue-runtime/core/provider'
import { describe, expect, it } from 'vitest'
import { openBackends, readBackends } from '../src/backends/backends.ts'
import { type Environment, readVariables, VARIABLES, variableOf } from '../src/config/variables.ts'
import { QUEUES } from '../src/github/routes.ts'
import { readSettings } from '../src/process/settings.ts'

const fault = async (environment: Environment): Promise<unknown> => {
  try {
    const config = readBackends(readVariables(environment))
    const backends = await openBackends(config, { clock: systemClock, logger: console, embedded: {} })
    try {
      await backends.keyStore('merge-warden')
      return undefined
    } finally {
      await backends.close()
    }
  } catch (error) {
    return error
  }
}

const SQS = { QUEUE_PROVIDER: 'sqs', AWS_REGION: 'us-east-1', KEY_DIRECTORY: '/keys' }
const AZURE = { QUEUE_PROVIDER: 'azure', SERVICEBUS_NAMESPACE: 'ns.servicebus.windows.net', KEY_DIRECTORY: '/keys' }
const BY_STRING = { ...AZURE, SERVICEBUS_NAMESPACE: '' }
const CONNECTION = 'Endpoint=sb://ns.servicebus.windows.net;SharedAccessKeyName=n;SharedAccessKey=hush-hush'

describe('the environment of a process (A15, A16, SC3)', () => {
  it.each<[string, Environment]>([
    ['SQS', SQS],
    ['SQS by URL', { ...SQS, QUEUE_MERGE_WARDEN: 'https://sqs.us-east-1.amazonaws.com/123456789012/mw.fifo' }],
    ['Service Bus by identity', AZURE],
    [
      'Service Bus by connection string',
      { ...AZURE, SERVICEBUS_NAMESPACE: '', SERVICEBUS_CONNECTION_STRING: CONNECTION },
    ],
    ['Secrets Manager', { ...SQS, KEY_PROVIDER: 'aws' }],
    ['Key Vault', { ...AZURE, KEY_PROVIDER: 'azure', KEY_VAULT_URL: 'https://name.vault.azure.net' }],
    ['Redis', { ...SQS, NONCE_STORE: 'redis', REDIS_URL: 'rediss://:hush-hush@redis.internal:6379' }],
    ['networks of proxies', { ...SQS, TRUSTED_PROXIES: '10.0.0.0/8,127.0.0.1,fd00::/8' }],
    ['everything that is empty as not set', { ...SQS, KEY_PROVIDER: '', NONCE_STORE: '', OPS_PORT: '' }],
  ])('takes %s, and connects to nothing', async (_name, environment) => {
    expect(await fault(environment)).toBeUndefined()
  })

  it.each<[string, Environment]>([
    ['QUEUE_PROVIDER', { QUEUE_PROVIDER: 'kafka' }],
    ['QUEUE_PROVIDER', { QUEUE_PROVIDER: 'constructor' }],
    ['QUEUE_PROVIDER', {}],
    ['KEY_PROVIDER', { ...SQS, KEY_PROVIDER: 'gcp' }],
    ['NONCE_STORE', { ...SQS, NONCE_STORE: 'none' }],
    ['QUEUE_SPEC_SENTINEL', { ...SQS, QUEUE_SPEC_SENTINEL: 'standard-queue' }],
    ['QUEUE_TASK_TACTICIAN', { ...SQS, QUEUE_TASK_TACTICIAN: 'a queue.fifo' }],
    ['AWS_SECRET_ACCESS_KEY', { ...SQS, AWS_ACCESS_KEY_ID: 'id' }],
    ['AWS_ACCESS_KEY_ID', { ...SQS, AWS_SECRET_ACCESS_KEY: 'hush-hush' }],
    ['AWS_REGION', { ...SQS, AWS_REGION: 'Frankfurt!' }],
    ['SQS_ENDPOINT', { ...SQS, SQS_ENDPOINT: 'http://sqs.internal' }],
    ['SQS_LOCK_SECONDS', { ...SQS, SQS_LOCK_SECONDS: '43201' }],
    ['SERVICEBUS_NAMESPACE', { QUEUE_PROVIDER: 'azure' }],
    ['SERVICEBUS_NAMESPACE', { ...AZURE, SERVICEBUS_CONNECTION_STRING: CONNECTION }],
    ['SERVICEBUS_CONNECTION_STRING', { ...AZURE, SERVICEBUS_CONNECTION_STRING: 'hush-hush' }],
    ['SERVICEBUS_SESSIONS', { ...AZURE, SERVICEBUS_SESSIONS: 'yes' }],
    ['KEY_DIRECTORY', { ...SQS, KEY_DIRECTORY: '' }],
    ['KEY_MERGE_WARDEN', { ...SQS, KEY_MERGE_WARDEN: 'a key' }],
    ['KEY_VAULT_URL', { ...SQS, KEY_PROVIDER: 'azure' }],
    ['KEY_VAULT_URL', { ...SQS, KEY_PROVIDER: 'azure', KEY_VAULT_URL: 'http://name.vault.azure.net' }],
    [
      'KEY_VAULT_TOKEN',
      { ...SQS, KEY_PROVIDER: 'azure', KEY_VAULT_URL: 'https://name.vault.azure.net', KEY_VAULT_TOKEN: 'hush-hush' },
    ],
    ['SECRETS_MANAGER_ENDPOINT', { ...SQS, SECRETS_MANAGER_ENDPOINT: 'http://secrets.internal' }],
    ['REDIS_URL', { ...SQS, NONCE_STORE: 'redis' }],
    ['REDIS_URL', { ...SQS, NONCE_STORE: 'redis', REDIS_URL: 'http://:hush-hush@redis' }],
    ['REDIS_URL', { ...SQS, NONCE_STORE: 'redis', REDIS_URL: 'redis://:hush-hush@redis.internal:6379' }],
    ['REDIS_URL', { ...SQS, NONCE_STORE: 'redis', REDIS_URL: 'rediss://:hush-hush@redis.internal/x?y' }],
    [
      'SERVICEBUS_CONNECTION_STRING',
      { ...BY_STRING, SERVICEBUS_CONNECTION_STRING: 'Endpoint=sb://x;SharedAccessKey=hush-hush' },
    ],
    [
      'SERVICEBUS_CONNECTION_STRING',
      { ...BY_STRING, SERVICEBUS_CONNECTION_STRING: `${CONNECTION};UseDevelopmentEmulator=true` },
    ],
    ['SERVICEBUS_NAMESPACE', { ...AZURE, SERVICEBUS_NAMESPACE: '.servicebus.windows.net' }],
    ['QUEUE_SPEC_SENTINEL', { ...AZURE, QUEUE_SPEC_SENTINEL: '/of/a/path/' }],
    ['QUEUE_SPEC_SENTINEL', { ...SQS, QUEUE_SPEC_SENTINEL: 'http://sqs.internal/1/x.fifo' }],
    ['KEY_MERGE_WARDEN', { ...SQS, KEY_PROVIDER: 'aws', KEY_MERGE_WARDEN: 'prod/=' }],
    [
      'KEY_MERGE_WARDEN',
      { ...SQS, KEY_PROVIDER: 'azure', KEY_VAULT_URL: 'https://v.vault.azure.net', KEY_MERGE_WARDEN: 'a/b' },
    ],
    ['PORT', { ...SQS, PORT: '8080x' }],
    ['SHUTDOWN_SECONDS', { ...SQS, SHUTDOWN_SECONDS: '0' }],
    ['PLAINTEXT_POLICY', { ...SQS, PLAINTEXT_POLICY: 'allow' }],
    ...['everybody', '10.0.0', '10.0.0.0/33', '10.0.0.0/8/8', '10.0.0.1, 10.0.0.2', '::1/129'].map(
      (text): [string, Environment] => ['TRUSTED_PROXIES', { ...SQS, TRUSTED_PROXIES: text }],
    ),
    ['LOG_LEVEL', { ...SQS, LOG_LEVEL: 'loud' }],
  ])('is refused for %s: %j', async (name, environment) => {
    const error = await fault({ ...environment, AWS_SESSION_TOKEN: 'hush-hush' })
    if (!isQueueError(error, 'Configuration')) throw new Error(`Not refused, or not so: ${error}`)
    expect(error.facts.field).toBe(name)
    expect(error.message.startsWith(name)).toBe(true)
    expect(error.message).not.toContain('hush-hush')
  })

  it.each([
    [{}, { mode: 'reject', seals: true }],
    [{ PLAINTEXT_POLICY: 'allow-with-alert' }, { mode: 'allow-with-alert', seals: true }],
    [
      { PLAINTEXT_POLICY: 'plaintext', SEALING: 'off' },
      { mode: 'plaintext', seals: false },
    ],
  ])('says how a queue is run: %j (DR4)', (change, stance) => {
    expect(readSettings({ ...SQS, ...change }).stance).toEqual(stance)
  })

  it('has one queue and one key for each bot, and defaults that pass their own rules', () => {
    for (const queue of QUEUES) {
      expect(VARIABLES[variableOf('QUEUE', queue)]).toBeDefined()
      expect(VARIABLES[variableOf('KEY', queue)]).toBeDefined()
    }
    expect(() => readVariables({})).not.toThrow()
  })
})
