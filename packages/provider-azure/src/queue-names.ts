import type { Options } from '@queue-runtime/core'
import { checkOptions, misconfigured, type OptionChecks, option } from '@queue-runtime/core/provider'
import { MAX_PATH_LENGTH } from './limits.ts'

/**
 * What a queue is called at Service Bus, and what it is.
 *
 * - `path`: default the logical name
 * - `sessions`: whether the queue was made with sessions: then all its messages have a session id, and are received by session.
 *   Default false
 */
export interface AzureQueueOptions extends Options<{ path: string; sessions: boolean }> {}

/** The queue that a logical name stands for. */
export interface QueueTarget {
  readonly path: string
  readonly sessions: boolean
}

/** Source: "Naming rules and restrictions for Azure resources", Microsoft.ServiceBus. */
const isPath = (value: unknown): boolean =>
  typeof value === 'string' && value.length <= MAX_PATH_LENGTH && /^[A-Za-z0-9](?:[\w./-]*[A-Za-z0-9_])?$/.test(value)

/** @throws Configuration with the name of the option */
export function checkQueues(queues: Readonly<Record<string, AzureQueueOptions>>): void {
  if (typeof queues !== 'object' || queues === null) throw misconfigured('queues', 'must be an object.')
  const checks: OptionChecks<AzureQueueOptions> = {
    path: option.that('a path of at most 260 letters, digits, ., -, _ and /', isPath),
    sessions: option.boolean,
  }
  for (const [queue, given] of Object.entries(queues)) checkOptions(given, checks, [], `queues.${queue}`)
}

/**
 * Returns what a logical name stands for. `only`: the one queue that the credential is for.
 *
 * @throws Configuration: the credential is for another queue
 */
export function targetOf(
  queue: string,
  queues: Readonly<Record<string, AzureQueueOptions>>,
  only: string | undefined,
): QueueTarget {
  const { path = queue, sessions = false } = Object.hasOwn(queues, queue) ? (queues[queue] ?? {}) : {}
  if (only !== undefined && only !== path) {
    throw misconfigured('connectionString', `is for the queue of its EntityPath alone, and not for ${path}.`)
  }
  return { path, sessions }
}
