import type { ServiceBusClient } from '@azure/service-bus'
import type { AzureSettings } from './options.ts'

/** What the SDK does by itself, in milliseconds, where a client is given no other `retryOptions`. */
const DEFAULTS = { maxRetries: 3, retryDelayInMs: 30_000, timeoutInMs: 60_000 }

/** A call that takes longer than this, in milliseconds, hangs. */
const LONGEST_MS = 60_000

type RetryOptions = Partial<Record<keyof typeof DEFAULTS, number>>

const retryOptionsOf = (client: ServiceBusClient): RetryOptions => {
  const inside = client as unknown as { readonly _clientOptions?: { readonly retryOptions?: RetryOptions } }
  return inside._clientOptions?.retryOptions ?? {}
}

/** How long one call may take with the retries of the SDK, in milliseconds. */
export function longestCallMs(client: ServiceBusClient): number {
  const { maxRetries, retryDelayInMs, timeoutInMs } = { ...DEFAULTS, ...retryOptionsOf(client) }
  return timeoutInMs * (maxRetries + 1) + retryDelayInMs * maxRetries
}

/** As the package `debug` reads the variable DEBUG: names with wildcards; a minus takes names out. */
const isDebugged = (name: string, debug: string): boolean => {
  const patterns = debug.split(/[\s,]+/).filter((pattern) => pattern !== '')
  const matches = (pattern: string): boolean =>
    new RegExp(`^${pattern.replace(/[^\w*]/g, '\\$&').replaceAll('*', '.*')}$`).test(name)
  const out = patterns.filter((pattern) => pattern.startsWith('-')).map((pattern) => pattern.slice(1))
  const into = patterns.filter((pattern) => !pattern.startsWith('-'))
  return into.some(matches) && !out.some(matches)
}

/** Logs that hold tokens, keys or the bytes of messages. */
const TALKATIVE = [
  'rhea:frames',
  'rhea:raw',
  'rhea:message',
  'azure:service-bus:messages:verbose',
  'azure:core-amqp:verbose',
]

/** Names the variables of the environment that let the SDK print secrets. */
export function talkativeVariables({ AZURE_LOG_LEVEL = '', DEBUG = '' }: NodeJS.ProcessEnv): string[] {
  const isVerbose = AZURE_LOG_LEVEL.trim().toLowerCase() === 'verbose'
  return [
    ...(isVerbose ? ['AZURE_LOG_LEVEL'] : []),
    ...(TALKATIVE.some((name) => isDebugged(name, DEBUG)) ? ['DEBUG'] : []),
  ]
}

/** Warns of what works, and is dangerous. */
export function warnOfSetting({ access, logger }: AzureSettings): void {
  for (const variable of talkativeVariables(process.env)) {
    logger.warn(
      { variable },
      'With this variable the Service Bus SDK prints keys, tokens and the bytes of messages: unset it where logs are kept',
    )
  }
  if (!('client' in access)) return
  const longestMs = longestCallMs(access.client)
  if (longestMs > LONGEST_MS) {
    logger.warn(
      { longest_call_ms: longestMs },
      'The retryOptions of this ServiceBusClient let a call hang for minutes: give it maxRetries 0 and timeoutInMs 10000',
    )
  }
}
