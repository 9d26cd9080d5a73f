import type { QueueName } from '../github/routes.ts'

/** What became of the deliveries of one queue. */
export interface QueueRow {
  readonly queue: QueueName
  /** Deliveries that its bot must read, by the rule. */
  readonly expected: number
  /** Messages that the router sent. */
  readonly sent: number
  /** Deliveries that its bot read. */
  readonly opened: number
  readonly refused: number
  /** From the beginning of the HTTP request until the bot had the body; undefined where nothing was read. */
  readonly medianMs: number | undefined
  readonly p95Ms: number | undefined
  /** What the broker stored, bodies alone. */
  readonly wireBytes: number
  /** Offsets of what the broker stored at which eight bytes of some plaintext stand. */
  readonly plaintextWindows: number
}

/** What became of one attack. */
export interface AttackRow {
  readonly name: string
  readonly description: string
  /** No bot saw the message, and it lies among the dead letters. */
  readonly refused: boolean
  /** A bot's handler saw it. */
  readonly passed: boolean
  /** Why the client refused it. */
  readonly code: string
  /** Why it lies among the dead letters, as the broker shows it. */
  readonly reason: string
  /** Deliveries beside it that nobody touched, and how many of them were read. */
  readonly bystanders: number
  readonly bystandersOpened: number
}

export interface Result {
  readonly received: number
  readonly routed: number
  readonly opened: number
  readonly ignored: number
  readonly attacks: readonly AttackRow[]
  readonly plaintextWindowsAtBroker: number
  readonly queues: readonly QueueRow[]
  /** One sentence per thing that went wrong; empty after a good run. */
  readonly failures: readonly string[]
}
