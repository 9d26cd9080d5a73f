import type { QueueName } from '../github/routes.ts'
import type { EnvelopeField } from '../view/envelope-fields.ts'

/**
 * Where a message is on its way. `stored`: at the broker; `read`: a bot has it; `refused`: a client refused it; `dead`: in the
 * dead-letter queue; `gone`: an attacker took it away.
 */
export type Stage = 'stored' | 'read' | 'completed' | 'refused' | 'dead' | 'gone'

/** One message in the list and in the picture of the flow. */
export interface MessageRow {
  /** Names this copy of the message: two copies of one message have two. */
  readonly key: string
  readonly queue: QueueName
  readonly messageId: string
  readonly event: string
  readonly stage: Stage
  /** False where the broker holds plaintext. */
  readonly sealed: boolean
  readonly keyId: string | null
  readonly storedBytes: number
  /** Milliseconds since 1970. */
  readonly at: number
  /** The attack that made or touched it. */
  readonly attack: string | null
  /** The code of the error it was refused with. */
  readonly refusal: string | null
  /** Why it lies in the dead-letter queue, as the broker says. */
  readonly deadLetterReason: string | null
}

/** One message, whole: what the broker holds beside what the bot read. Answer of `GET /messages/<key>`. */
export interface MessageDetail extends MessageRow {
  readonly sessionId: string | null
  readonly correlationId: string | null
  readonly attributes: Readonly<Record<string, string>>
  /** The first bytes that the broker stores, as hex. */
  readonly hex: string
  readonly fields: readonly EnvelopeField[]
  readonly readBytes: number | null
  readonly text: string | null
}

/** One second of one queue. */
export interface QueuePoint {
  readonly queue: QueueName
  /** Milliseconds since 1970. */
  readonly at: number
  /** Stored in the queue, what an attacker put there included; sealed or plaintext. */
  readonly sent: number
  /** Read by a bot, and completed. */
  readonly handled: number
  readonly refused: number
  readonly sealed: number
  readonly plaintext: number
  /** Messages in the queue, where the broker tells. */
  readonly depth: number | null
  /** From `send` to the end of the handler, in milliseconds; null in a second without messages. */
  readonly latencyP50Ms: number | null
  readonly latencyP95Ms: number | null
  /** Age of the oldest message handled in this second, in milliseconds. */
  readonly ageMs: number | null
}

/** How a queue treats plaintext: what its sender does and what its receiver accepts (DR4). */
export type QueueMode = 'plaintext' | 'allow-with-alert' | 'reject'

/** What stands still in the picture until somebody turns it. */
export interface QueueStatus {
  readonly queue: QueueName
  readonly mode: QueueMode
  /** Whether the router seals what it sends to this queue. */
  readonly seals: boolean
  /** `paused`: a hold of the key store or nonce store; `broken`: the broker fails. */
  readonly intake: 'running' | 'paused' | 'broken'
  /** Which error holds it. */
  readonly pausedBy: string | null
  readonly keys: readonly { readonly id: string; readonly createdAt: number | null; readonly isCurrent: boolean }[]
  readonly totals: {
    readonly sent: number
    readonly handled: number
    readonly refused: number
    readonly deadLetters: number
  }
}

export type OutageName = 'broker' | 'keys' | 'nonces'

/** One attack that the page offers as a button. */
export interface AttackInfo {
  readonly name: string
  /** Its number in protocol.md 9. */
  readonly number: number
  readonly title: string
  readonly description: string
  /** True for the attacks that are not prevented: the button shows an honest limit. */
  readonly isLimit: boolean
  /** Why it cannot be played with these backends. */
  readonly unavailable: string | null
}

/** What became of one attack. */
export interface AttackResult {
  readonly name: string
  readonly at: number
  /** One sentence: what was done at the broker. */
  readonly tried: string
  /** One sentence: what the receiver did about it. */
  readonly happened: string
  /** `refused`; `settled`: recognised as a duplicate and removed; `accepted`: a documented limit; `failed`: the attack passed, a defect. */
  readonly outcome: 'refused' | 'settled' | 'accepted' | 'failed'
  /** Codes of the errors it was refused with. */
  readonly codes: readonly string[]
  /** Keys of its messages, for the list. */
  readonly messages: readonly string[]
  readonly deadLetter: { readonly queue: QueueName; readonly reason: string; readonly messageId: string } | null
}

/** Everything, sent first on every connection. */
export interface Snapshot {
  readonly backends: { readonly queue: string; readonly keys: string; readonly nonces: string }
  /** False where the process runs against real servers: then there is no lab. */
  readonly hasLab: boolean
  readonly queues: readonly QueueStatus[]
  /** The newest, newest first. */
  readonly messages: readonly MessageRow[]
  /** The last minutes, oldest first. */
  readonly points: readonly QueuePoint[]
  readonly attacks: readonly AttackInfo[]
  readonly results: readonly AttackResult[]
  readonly outages: Readonly<Record<OutageName, boolean>>
  /** Whether deliveries are posted all the time. */
  readonly traffic: boolean
  readonly requests: Readonly<Record<string, number>>
}

/** What `GET /events` (server-sent events) sends: the name of the event, and its data as JSON. */
export interface DashboardEvents {
  readonly snapshot: Snapshot
  /** A message that is new or went on; at most some dozens a second, the rest shows in the points. */
  readonly message: MessageRow
  /** Once a second, one per queue. */
  readonly points: readonly QueuePoint[]
  readonly queue: QueueStatus
  readonly attack: AttackResult
  readonly outages: Readonly<Record<OutageName, boolean>>
  readonly traffic: boolean
  readonly requests: Readonly<Record<string, number>>
}

/**
 * What the lab's buttons post, as JSON. There is a lab in demo mode only, on loopback only. Each answers 200 with what is named
 * here, 409 `{ error, message }` where it cannot be done now.
 */
export interface LabCalls {
  /** `POST /lab/attacks/<name>` */
  readonly attack: AttackResult
  /** `POST /lab/queues/<queue>/rotate`: a new key, published, then current. */
  readonly rotate: QueueStatus
  /** `POST /lab/queues/<queue>/mode` with `{ mode, seals }` */
  readonly mode: QueueStatus
  /** `POST /lab/outages/<name>` with `{ on }` */
  readonly outage: Readonly<Record<OutageName, boolean>>
  /** `POST /lab/traffic` with `{ on }` */
  readonly traffic: boolean
  /** `POST /lab/queues/<queue>/redrive`: dead letters back into the queue. */
  readonly redrive: { readonly redriven: number; readonly skipped: number; readonly failed: number }
}
