import type { Clock } from '@queue-runtime/core'
import type { Embedded } from '../backends/plan.ts'
import type { Environment } from '../config/variables.ts'
import type { QueueName } from '../github/routes.ts'

/** One local server, or what stands in for it in this process. */
export interface LocalServer {
  /** How it is reached. */
  readonly variables: Environment
  readonly embedded: Embedded
  close(): Promise<void>
}

export interface LocalQueues extends LocalServer {
  /** It goes by the clock of the machine, and not by the one that can skip. */
  readonly isRealTime: boolean
}

/** What an operator does to the keys of a queue. */
export interface KeyOperator {
  /** Publishes a new key and resolves with its id. It does not seal yet. */
  create(): Promise<string>
  /** Has a key seal from now on. */
  promote(keyId: string): Promise<void>
}

export interface LocalKeys extends LocalServer {
  operatorOf(queue: QueueName): KeyOperator
}

export type StartLocal<T extends LocalServer> = (clock: Clock) => Promise<T>
