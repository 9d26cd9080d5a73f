import type { StoredCopy, WireFields } from '../broker/copies.ts'

/** What somebody with full access to the broker, and without a key, can do. */
export interface Attacker {
  /** What lies in the attacked queue: at least two sealed messages, in queue order. */
  readonly loot: readonly [StoredCopy, StoredCopy, ...StoredCopy[]]
  /** How many messages make a crowd here: fewer where the receiver, and not the broker, keeps those that are to be tried again. */
  readonly crowd: number
  /** Puts an altered copy in the place of a message. */
  edit(message: StoredCopy, change: Partial<WireFields>): Promise<StoredCopy>
  /** Takes a message away. */
  take(message: StoredCopy): Promise<void>
  /** Puts a message into the attacked queue. */
  put(message: WireFields): Promise<StoredCopy>
  /** Puts a message into the queue of another bot. */
  putElsewhere(message: WireFields): Promise<StoredCopy>
  /** Lets time pass. */
  wait(ms: number): Promise<void>
}

/** What an attacker left behind, to be watched. */
interface Tampering {
  /** The copies that must not reach a bot; of an attack that shows a limit, those that do. */
  readonly attacked: readonly StoredCopy[]
  /** They are copies of one message, of which exactly one may reach a bot. */
  readonly isOneAllowed?: boolean
  /** Called when the bots have read all others; resolves with more of them. */
  readonly later?: () => Promise<readonly StoredCopy[]>
}

/** What a bot's handler saw of a copy. */
export interface ReadCopy {
  /** Grows with each message that any bot reads. */
  readonly order: number
  /** Names of the attributes that the tag proved. */
  readonly provenAttributes: readonly string[]
}

/** What was seen while an attack went on. */
export interface Seen {
  /** The attacked copies that bots read. */
  readonly reads: readonly ReadCopy[]
  /** How often the key store was asked because of ids that the bot does not know. */
  readonly keyStoreCalls: number
  /** How long it went on, by the clock of the demo, which can skip time. */
  readonly seconds: number
}

/** Another receiver than the house has, for as long as the attack goes on. */
export type Receiver = 'untracked' | 'two-consumers' | 'shared-key'

export interface Attack {
  readonly name: string
  /** Its number in protocol.md 9. */
  readonly number: number
  /** A few words, for a button. */
  readonly title: string
  /** What it does, for people: goes on after "The attacker". */
  readonly description: string
  /** For an attack that is not prevented: one sentence about what is not promised. */
  readonly limit?: string
  readonly receiver?: Receiver
  /** The queue must hold messages under two keys. */
  readonly needsTwoKeys?: boolean
  /** Its messages must be of no session: of a session a broker that keeps order gives one at a time. */
  readonly needsNoSession?: boolean
  readonly tamper: (attacker: Attacker) => Promise<Tampering>
  /** True where something else went wrong than that a bot read it. */
  readonly isBroken?: (seen: Seen) => boolean
  /** One more sentence about what was seen. */
  readonly remark?: (seen: Seen) => string
}
