import type { QueueClient, QueueClientOptions } from '@queue-runtime/core'

/** What a case works with: one fresh, empty queue, and the means to open clients on it and to let time pass. */
export interface Bench {
  /** Another client on the queue, as the subject configures it. */
  client(options?: Partial<Pick<QueueClientOptions, 'maxDeliveries' | 'onRejected'>>): QueueClient
  /** A client without any protection on the same queue. */
  plainClient(): QueueClient
  /** Lets `ms` pass: at once on an injected clock, in real time elsewhere. */
  advance(ms: number): Promise<void>
  /** How long a lock lasts, in milliseconds. */
  readonly lockMs: number
  /** The largest message that the queue takes, in bytes. */
  readonly maxMessageBytes: number
  /** True where the clients seal and refuse plaintext. */
  readonly isSealed: boolean
  /** Closes every client that was opened here. */
  close(): Promise<void>
}

/** One promise of the contract. `run` rejects where it is broken. */
export interface Case<Catches extends string = string> {
  /** A sentence about what is promised. */
  readonly name: string
  readonly requirement: string
  /** The broken implementation that this case must catch. */
  readonly catches: Catches
  run(bench: Bench): Promise<void>
}
