import type { SQSClient, SQSClientConfig } from '@aws-sdk/client-sqs'
import type { Clock, Options } from '@queue-runtime/core'
import { checkOptions, misconfigured, option, systemClock } from '@queue-runtime/core/provider'
import { MAX_MESSAGE_BYTES, MAX_VISIBILITY_SECONDS } from './limits.ts'
import { checkQueues, isSafeUrl, type SqsQueueOptions } from './queue-names.ts'

/**
 * - `region`: default as the SDK finds it (AWS_REGION, the profile)
 * - `credentials`: default the chain of the SDK: environment, profile, container, instance role
 * - `endpoint`: of a local server; https, or http on this machine
 * - `client`: an SQSClient of your own in place of these three. It is not closed. Give it `maxAttempts: 1`: core tries again
 * - `receiveClient`: another one for long polls, which hold a socket for up to 20 s each. Default `client`
 * - `queues`: what the queues are called at SQS, by logical name
 * - `lockMs`: how long a delivery holds its message (visibility timeout), in milliseconds, whole seconds. Default 30 000
 * - `maxMessageBytes`: of body and attributes as they are sent; queues of before 2025 may take 262 144. Default 1 048 576
 * - `maxSockets`: connections for sending and settling. Default 50. Each long poll has one of its own beside them
 * - `clock`: default the machine's
 */
export interface SqsProviderOptions
  extends Options<{
    region: string
    credentials: NonNullable<SQSClientConfig['credentials']>
    endpoint: string
    client: SQSClient
    receiveClient: SQSClient
    queues: Readonly<Record<string, SqsQueueOptions>>
    lockMs: number
    maxMessageBytes: number
    maxSockets: number
    clock: Clock
  }> {}

/** The options with every default filled in. */
export interface SqsSettings {
  readonly region: string | undefined
  readonly credentials: SQSClientConfig['credentials'] | undefined
  readonly endpoint: string | undefined
  readonly client: SQSClient | undefined
  readonly receiveClient: SQSClient | undefined
  readonly queues: Readonly<Record<string, SqsQueueOptions>>
  readonly lockMs: number
  readonly maxMessageBytes: number
  readonly maxSockets: number
  readonly clock: Clock
}

/** What a client of one's own brings with it. */
const OWN_TO_CLIENT = ['region', 'credentials', 'endpoint', 'maxSockets'] as const

const checkClients = (options: SqsProviderOptions): void => {
  if (options.client === undefined) {
    if (options.receiveClient !== undefined) throw misconfigured('receiveClient', 'needs client beside it.')
    return
  }
  for (const name of OWN_TO_CLIENT) {
    if (options[name] !== undefined) throw misconfigured(name, 'is that of the client that is given.')
  }
}

const isCredentials = (value: unknown): boolean =>
  typeof value === 'function' ||
  (typeof value === 'object' && value !== null && 'accessKeyId' in value && 'secretAccessKey' in value)

const isWholeSeconds = (value: unknown): boolean =>
  Number.isSafeInteger(value) &&
  Number(value) % 1_000 === 0 &&
  Number(value) >= 1_000 &&
  Number(value) <= MAX_VISIBILITY_SECONDS * 1_000

/** @throws Configuration with the name of the option */
export function sqsSettings(options: SqsProviderOptions): SqsSettings {
  checkOptions(options, {
    region: option.text(/^[a-z0-9-]{1,64}$/, 'the name of a region'),
    credentials: option.that('credentials or a provider of them', isCredentials),
    endpoint: option.that(
      'an https URL; http only on this machine',
      (value) => typeof value === 'string' && isSafeUrl(value),
    ),
    client: option.object('an SQSClient', 'send', 'destroy'),
    receiveClient: option.object('an SQSClient', 'send', 'destroy'),
    queues: (_, value) => checkQueues(value as Readonly<Record<string, SqsQueueOptions>>),
    lockMs: option.that('whole seconds in milliseconds, from 1 000 to 43 200 000', isWholeSeconds),
    maxMessageBytes: option.wholeNumber(1_024, MAX_MESSAGE_BYTES),
    maxSockets: option.wholeNumber(1),
    clock: option.object('a Clock', 'now', 'sleep'),
  })
  checkClients(options)
  return {
    region: options.region,
    credentials: options.credentials,
    endpoint: options.endpoint,
    client: options.client,
    receiveClient: options.receiveClient,
    queues: options.queues ?? {},
    lockMs: options.lockMs ?? 30_000,
    maxMessageBytes: options.maxMessageBytes ?? MAX_MESSAGE_BYTES,
    maxSockets: options.maxSockets ?? 50,
    clock: options.clock ?? systemClock,
  }
}
