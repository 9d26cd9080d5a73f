import type { RawMessage, StoredMessage } from '@queue-runtime/provider-memory'
import type { Place } from '../place.ts'

/** What somebody with full access to the broker, and without a key, can do. */
export interface Attacker {
  /** What lies in the attacked queue: at least two sealed messages, in queue order. */
  readonly loot: readonly [StoredMessage, StoredMessage, ...StoredMessage[]]
  /** Edits a message where it lies. */
  edit(message: StoredMessage, change: Partial<RawMessage>): Place
  /** Takes a message away. */
  take(message: StoredMessage): void
  /** Puts a message into the attacked queue. */
  put(message: RawMessage): Place
  /** Puts a message into the queue of another bot. */
  putElsewhere(message: RawMessage): Place
  /** Lets time pass. */
  wait(ms: number): void
}

/** The messages that must not reach a bot. `later` is called when the bots have read all others. */
interface Tampering {
  readonly attacked: readonly Place[]
  readonly later?: () => readonly Place[]
}

export interface Attack {
  readonly name: string
  /** What it does, for people. */
  readonly description: string
  readonly tamper: (attacker: Attacker) => Tampering
}
