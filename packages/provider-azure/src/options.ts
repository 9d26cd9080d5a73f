import type { ServiceBusClient, TokenCredential } from '@azure/service-bus'
import type { Clock, Logger, Options } from '@queue-runtime/core'
import { checkOptions, misconfigured, option, resolveLogger, systemClock } from '@queue-runtime/core/provider'
import { type AzureQueueOptions, checkQueues } from './queue-names.ts'

/**
 * One of `connectionString`, `namespace` with `credential`, and `client`.
 *
 * - `connectionString`: of the namespace, or of one queue (EntityPath). With UseDevelopmentEmulator=true only on this machine
 * - `namespace`: its host, `name.servicebus.windows.net`
 * - `credential`: a TokenCredential, such as DefaultAzureCredential or ManagedIdentityCredential of `@azure/identity`
 * - `client`: a ServiceBusClient of your own. It is not closed. Give it `retryOptions: { maxRetries: 0, timeoutInMs: 10_000 }`:
 *   core tries again, and with what the SDK does by itself a send can hang for minutes
 * - `sessionClient`: another one, by which sessions are accepted, with a `timeoutInMs` of about 2 000. Default `client`
 * - `queues`: what the queues are called at Service Bus, by logical name, and which have sessions
 * - `logger`: for warnings about the setting. Default the console; `false`: none
 * - `clock`: default the machine's
 */
export interface AzureProviderOptions
  extends Options<{
    connectionString: string
    namespace: string
    credential: TokenCredential
    client: ServiceBusClient
    sessionClient: ServiceBusClient
    queues: Readonly<Record<string, AzureQueueOptions>>
    logger: Logger | false
    clock: Clock
  }> {}

/** How a namespace is reached. */
type Access =
  | { readonly connectionString: string }
  | { readonly namespace: string; readonly credential: TokenCredential }
  | { readonly client: ServiceBusClient; readonly sessionClient: ServiceBusClient }

/** The options with every default filled in. */
export interface AzureSettings {
  readonly access: Access
  /** The one queue that the connection string is for. */
  readonly only: string | undefined
  readonly queues: Readonly<Record<string, AzureQueueOptions>>
  readonly logger: Logger
  readonly clock: Clock
}

const fieldsIn = (connectionString: string): ReadonlyMap<string, string> =>
  new Map(
    connectionString.split(';').map((part): [string, string] => {
      const at = part.indexOf('=')
      return [part.slice(0, at).trim().toLowerCase(), part.slice(at + 1).trim()]
    }),
  )

const isLoopback = (host: string): boolean => /^(localhost|.+\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(host)

/** The text of a connection string is a secret: errors name its fields, and none of their values. */
const connectionStringOption = (field: string, value: unknown): void => {
  const fields = fieldsIn(typeof value === 'string' ? value : '')
  const endpoint = URL.parse(fields.get('endpoint') ?? '')
  if (endpoint?.protocol !== 'sb:' || endpoint.hostname === '') {
    throw misconfigured(field, 'needs an Endpoint, such as sb://name.servicebus.windows.net.')
  }
  if (!fields.get('sharedaccesssignature')) {
    for (const name of ['SharedAccessKeyName', 'SharedAccessKey']) {
      if (!fields.get(name.toLowerCase())) throw misconfigured(field, `needs a ${name}.`)
    }
  }
  if (fields.get('entitypath') === '') throw misconfigured(field, 'has an empty EntityPath.')
  // The SDK then speaks without TLS, to whatever host it is.
  if (fields.get('usedevelopmentemulator') === 'true' && !isLoopback(endpoint.hostname)) {
    throw misconfigured(field, 'may have UseDevelopmentEmulator=true only for an Endpoint on this machine.')
  }
}

const isServiceBusClient = option.object('a ServiceBusClient', 'createSender', 'createReceiver', 'acceptSession')

const WAYS = ['connectionString', 'namespace', 'client'] as const
const BESIDE = [
  ['credential', 'namespace'],
  ['sessionClient', 'client'],
] as const

const accessOf = (options: AzureProviderOptions): Access => {
  const { connectionString, namespace, credential, client, sessionClient = client } = options
  const [first, second] = WAYS.filter((name) => options[name] !== undefined)
  if (first === undefined) throw misconfigured('connectionString', 'is required, or namespace, or client.')
  if (second !== undefined) throw misconfigured(second, `excludes ${first}.`)
  for (const [name, other] of BESIDE) {
    if (options[name] !== undefined && options[other] === undefined) {
      throw misconfigured(name, `needs ${other} beside it.`)
    }
  }
  if (connectionString !== undefined) return { connectionString }
  if (client !== undefined && sessionClient !== undefined) return { client, sessionClient }
  if (namespace === undefined || credential === undefined) {
    throw misconfigured('credential', 'is required beside namespace.')
  }
  return { namespace, credential }
}

/** @throws Configuration with the name of the option */
export function azureSettings(options: AzureProviderOptions): AzureSettings {
  checkOptions(options, {
    connectionString: connectionStringOption,
    namespace: option.text(
      /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?(?::\d{1,5})?$/,
      'the host of a namespace, such as name.servicebus.windows.net',
    ),
    credential: option.object('a TokenCredential', 'getToken'),
    client: isServiceBusClient,
    sessionClient: isServiceBusClient,
    queues: (_, value) => checkQueues(value as Readonly<Record<string, AzureQueueOptions>>),
    logger: option.logger,
    clock: option.object('a Clock', 'now', 'sleep'),
  })
  return {
    access: accessOf(options),
    only: fieldsIn(options.connectionString ?? '').get('entitypath'),
    queues: options.queues ?? {},
    logger: resolveLogger(options.logger),
    clock: options.clock ?? systemClock,
  }
}
