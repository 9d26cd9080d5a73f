import type { Clock, Options } from '@queue-runtime/core'
import { checkOptions, checkQueueName, type IncomingMessage, option, systemClock } from '@queue-runtime/core/provider'
import type { FaultHook } from './faults.ts'
import type { StoredMessage } from './stored-message.ts'

/**
 * - `clock`: default the machine's; give the same one to the clients
 * - `lockMs`: how long a delivery holds its message, in milliseconds. Default 30 000
 * - `sessionLockMs`: how long the lock of a session lasts, in milliseconds. Default 300 000
 * - `maxDeliveryCount`: deliveries after which a message that comes back is dead-lettered. Default 3
 * - `deadLetter`: whether queues have dead letters. Default true. Without them messages are redelivered for ever, and expired
 *   ones are dropped
 * - `maxMessageBytes`: the most that body, fields and attributes may have together. Default 10 485 760 (10 MiB)
 * - `maxQueueSize`: messages a queue holds, locked and scheduled ones included; a full queue answers Throttled. Default unbounded
 * - `timeToLiveMs`: for messages that bring none, in milliseconds. Default none: they never expire
 * - `deduplicationWindowMs`: how long a queue remembers what was sent, in milliseconds: a message whose deduplication id (the
 *   message id, unless it is redriven) was stored within it is accepted and dropped. Default none: nothing is taken for a duplicate
 * - `autoCreateQueues`: whether a queue is made at its first use. Default true; otherwise unknown ones give QueueNotFound
 * - `queues`: names of the queues that are made at once
 * - `faults`: asked before each operation what goes wrong with it, for tests; `randomFaults()` makes one. Default none
 * - `tamper`: changes what is handed out of a message, as a broker that lies would; undefined lets it pass. The stored one stays.
 *   Default none
 * - `onStored`: told of each message as it is stored, before anybody receives it. What it throws is ignored
 */
export interface MemoryBrokerOptions
  extends Options<{
    clock: Clock
    lockMs: number
    sessionLockMs: number
    maxDeliveryCount: number
    deadLetter: boolean
    maxMessageBytes: number
    maxQueueSize: number
    timeToLiveMs: number
    deduplicationWindowMs: number
    autoCreateQueues: boolean
    queues: readonly string[]
    faults: FaultHook
    tamper: (queue: string, message: IncomingMessage) => Partial<IncomingMessage> | undefined
    onStored: (queue: string, message: StoredMessage) => void
  }> {}

/** The options with every default filled in. */
export interface BrokerSettings {
  readonly clock: Clock
  readonly lockMs: number
  readonly sessionLockMs: number
  readonly maxDeliveryCount: number
  readonly deadLetter: boolean
  readonly maxMessageBytes: number
  readonly maxQueueSize: number
  /** Infinity: messages that bring none never expire. */
  readonly timeToLiveMs: number
  /** 0: nothing is taken for a duplicate. */
  readonly deduplicationWindowMs: number
  readonly autoCreateQueues: boolean
  readonly queues: readonly string[]
  readonly faults: FaultHook | undefined
  readonly tamper: MemoryBrokerOptions['tamper']
  readonly onStored: ((queue: string, message: StoredMessage) => void) | undefined
}

const isQueueName = (name: string): boolean => {
  try {
    checkQueueName(name)
    return true
  } catch {
    return false
  }
}

/** @throws Configuration with the name of the option */
export function brokerSettings(options: MemoryBrokerOptions): BrokerSettings {
  checkOptions(options, {
    clock: option.object('a Clock', 'now', 'sleep'),
    lockMs: option.wholeNumber(1),
    sessionLockMs: option.wholeNumber(1),
    maxDeliveryCount: option.wholeNumber(1),
    deadLetter: option.boolean,
    maxMessageBytes: option.wholeNumber(1),
    maxQueueSize: option.wholeNumber(1),
    timeToLiveMs: option.wholeNumber(1),
    deduplicationWindowMs: option.wholeNumber(1),
    autoCreateQueues: option.boolean,
    queues: option.that('an array of queue names', (value) => Array.isArray(value) && value.every(isQueueName)),
    faults: option.callback,
    tamper: option.callback,
    onStored: option.callback,
  })
  return {
    clock: options.clock ?? systemClock,
    lockMs: options.lockMs ?? 30_000,
    sessionLockMs: options.sessionLockMs ?? 300_000,
    maxDeliveryCount: options.maxDeliveryCount ?? 3,
    deadLetter: options.deadLetter ?? true,
    maxMessageBytes: options.maxMessageBytes ?? 10 * 1024 * 1024,
    maxQueueSize: options.maxQueueSize ?? Number.POSITIVE_INFINITY,
    timeToLiveMs: options.timeToLiveMs ?? Number.POSITIVE_INFINITY,
    deduplicationWindowMs: options.deduplicationWindowMs ?? 0,
    autoCreateQueues: options.autoCreateQueues ?? true,
    queues: options.queues ?? [],
    faults: options.faults,
    tamper: options.tamper,
    onStored: options.onStored,
  }
}
