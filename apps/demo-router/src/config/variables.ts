import { isIP } from 'node:net'
import { QueueError } from '@queue-runtime/core'

/** Where variables come from: `process.env`, or what a local server yields. */
export type Environment = Readonly<Record<string, string | undefined>>

interface Rule {
  readonly expected: string
  readonly fits: (text: string) => boolean
  /** What holds where it is not set. */
  readonly default?: string
}

const oneOf = (...values: readonly [string, ...string[]]): Rule => ({
  expected: `one of ${values.join(', ')}`,
  fits: (text) => values.includes(text),
  default: values[0],
})

const matching = (pattern: RegExp, expected: string): Rule => ({ expected, fits: (text) => pattern.test(text) })

const wholeNumber = (least: number, most: number, byDefault: number): Rule => ({
  expected: `a whole number from ${least} to ${most}`,
  fits: (text) => /^\d{1,9}$/.test(text) && Number(text) >= least && Number(text) <= most,
  default: String(byDefault),
})

const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])$/

/** True for a host of this machine: there a server may do without TLS (requirements SC1). */
export const isLocalHost = (hostname: string): boolean => LOOPBACK.test(hostname)

const endpoint: Rule = {
  expected: 'an https URL; http only on this machine',
  fits(text) {
    const parsed = URL.parse(text)
    return parsed?.protocol === 'https:' || (parsed?.protocol === 'http:' && isLocalHost(parsed.hostname))
  },
}

/** An address, or a network such as 10.0.0.0/8. */
const isNetwork = (text: string): boolean => {
  const [address = '', prefix, ...rest] = text.split('/')
  const family = isIP(address)
  if (family === 0 || rest.length > 0) return false
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128))
}

const host: Rule = { ...matching(/^[\w.:-]{1,255}$/, 'a host name or an address'), default: '127.0.0.1' }
const webhookSecret = matching(/^.{16,}$/, 'at least 16 characters')
const present = matching(/./, 'a text')
const physicalQueue = matching(/^(https?:\/\/\S+|[\w./-]{1,260})$/, 'the name or the URL of a queue')
const secretName = matching(/^[\w/+=.@-]{1,512}$/, 'the name of a secret')

/** The variables of router and bots, beside those that the SDKs read by themselves. */
export type VariableName =
  | 'QUEUE_PROVIDER'
  | 'KEY_PROVIDER'
  | 'NONCE_STORE'
  | 'GITHUB_WEBHOOK_SECRET'
  | 'GITHUB_WEBHOOK_SECRET_PREVIOUS'
  | 'HOST'
  | 'PORT'
  | 'OPS_HOST'
  | 'OPS_PORT'
  | 'TRUSTED_PROXIES'
  | 'GUESSES_PER_MINUTE'
  | 'MAX_CONNECTIONS'
  | 'SHUTDOWN_SECONDS'
  | 'LOG_LEVEL'
  | 'ENVIRONMENT'
  | 'BOT_WORK_MS'
  | 'PLAINTEXT_POLICY'
  | 'SEALING'
  | 'QUEUE_TASK_TACTICIAN'
  | 'QUEUE_MERGE_WARDEN'
  | 'QUEUE_SPEC_SENTINEL'
  | 'AWS_REGION'
  | 'AWS_ACCESS_KEY_ID'
  | 'AWS_SECRET_ACCESS_KEY'
  | 'AWS_SESSION_TOKEN'
  | 'SQS_ENDPOINT'
  | 'SQS_LOCK_SECONDS'
  | 'SERVICEBUS_CONNECTION_STRING'
  | 'SERVICEBUS_NAMESPACE'
  | 'SERVICEBUS_SESSIONS'
  | 'KEY_TASK_TACTICIAN'
  | 'KEY_MERGE_WARDEN'
  | 'KEY_SPEC_SENTINEL'
  | 'KEY_REFRESH_MS'
  | 'KEY_DIRECTORY'
  | 'SECRETS_MANAGER_ENDPOINT'
  | 'KEY_VAULT_URL'
  | 'KEY_VAULT_CA'
  | 'KEY_VAULT_TOKEN'
  | 'REDIS_URL'

export const VARIABLES: Readonly<Record<VariableName, Rule>> = {
  QUEUE_PROVIDER: oneOf('memory', 'azure', 'sqs'),
  KEY_PROVIDER: oneOf('local', 'azure', 'aws'),
  NONCE_STORE: oneOf('memory', 'redis'),

  GITHUB_WEBHOOK_SECRET: webhookSecret,
  GITHUB_WEBHOOK_SECRET_PREVIOUS: webhookSecret,
  HOST: host,
  PORT: wholeNumber(0, 65_535, 8_080),
  OPS_HOST: host,
  OPS_PORT: wholeNumber(0, 65_535, 9_464),
  TRUSTED_PROXIES: {
    expected: 'addresses and networks with commas between them',
    fits: (text) => text.split(',').every(isNetwork),
  },
  GUESSES_PER_MINUTE: wholeNumber(0, 1_000_000, 100),
  MAX_CONNECTIONS: wholeNumber(1, 100_000, 512),
  SHUTDOWN_SECONDS: wholeNumber(1, 300, 10),
  LOG_LEVEL: oneOf('info', 'debug', 'warn', 'error'),
  ENVIRONMENT: { ...matching(/^[\w.-]{1,64}$/, 'a short name'), default: 'production' },
  BOT_WORK_MS: wholeNumber(0, 60_000, 0),
  PLAINTEXT_POLICY: oneOf('reject', 'allow-with-alert', 'plaintext'),
  SEALING: oneOf('on', 'off'),

  QUEUE_TASK_TACTICIAN: physicalQueue,
  QUEUE_MERGE_WARDEN: physicalQueue,
  QUEUE_SPEC_SENTINEL: physicalQueue,
  AWS_REGION: matching(/^[a-z0-9-]{1,64}$/, 'the name of a region'),
  AWS_ACCESS_KEY_ID: present,
  AWS_SECRET_ACCESS_KEY: present,
  AWS_SESSION_TOKEN: present,
  SQS_ENDPOINT: endpoint,
  SQS_LOCK_SECONDS: wholeNumber(1, 43_200, 30),
  SERVICEBUS_CONNECTION_STRING: matching(/^Endpoint=sb:\/\/./i, 'a connection string of Service Bus'),
  SERVICEBUS_NAMESPACE: matching(/^[\w.-]{1,255}(:\d{1,5})?$/, 'the host of a namespace'),
  SERVICEBUS_SESSIONS: oneOf('off', 'on'),

  KEY_TASK_TACTICIAN: secretName,
  KEY_MERGE_WARDEN: secretName,
  KEY_SPEC_SENTINEL: secretName,
  KEY_REFRESH_MS: wholeNumber(100, 3_600_000, 60_000),
  KEY_DIRECTORY: present,
  SECRETS_MANAGER_ENDPOINT: endpoint,
  KEY_VAULT_URL: { expected: 'an https URL', fits: (text) => URL.parse(text)?.protocol === 'https:' },
  KEY_VAULT_CA: matching(/-----BEGIN CERTIFICATE-----/, 'a certificate in PEM'),
  KEY_VAULT_TOKEN: present,

  REDIS_URL: {
    expected: 'a rediss URL; redis only on this machine',
    fits(text) {
      const parsed = URL.parse(text)
      return parsed?.protocol === 'rediss:' || (parsed?.protocol === 'redis:' && isLocalHost(parsed.hostname))
    },
  },
}

/** Checked variables. */
export interface Variables {
  /** What it is set to, or its default; undefined where it has neither. Set to nothing, it is not set. */
  get(name: VariableName): string | undefined
  /** @throws Configuration naming the variable: it is not set, and something else needs it */
  require(name: VariableName, neededBy: string): string
}

/** A Configuration error that names a variable, and never what it is set to: it may be a secret. */
export const wrong = (name: VariableName, text: string): QueueError<'Configuration'> =>
  new QueueError('Configuration', `${name} ${text}`, { facts: { field: name } })

const isVariable = (name: string): name is VariableName => Object.hasOwn(VARIABLES, name)

/**
 * Checks every variable of this program that is set.
 *
 * @throws Configuration naming the variable
 */
export function readVariables(environment: Environment): Variables {
  const get = (name: VariableName): string | undefined => {
    return environment[name] || VARIABLES[name].default
  }
  for (const name of Object.keys(VARIABLES).filter(isVariable)) {
    const text = get(name)
    if (text !== undefined && !VARIABLES[name].fits(text)) throw wrong(name, `must be ${VARIABLES[name].expected}.`)
  }
  return {
    get,
    require(name, neededBy) {
      const text = get(name)
      if (text === undefined) throw wrong(name, `is required for ${neededBy}.`)
      return text
    },
  }
}

/** The variable that belongs to one queue, such as QUEUE_MERGE_WARDEN. */
export const variableOf = (kind: 'QUEUE' | 'KEY', queue: string): VariableName => {
  const name = `${kind}_${queue.toUpperCase().replaceAll('-', '_')}`
  if (!isVariable(name)) throw new TypeError(`There is no variable ${name}.`)
  return name
}
