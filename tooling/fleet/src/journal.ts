import { openSync, readdirSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/** One broker message, by the broker's id, with the envelope in it (its nonce, which no other envelope has) and our message id. */
interface Letter {
  readonly broker: string
  readonly envelope: string
  readonly id: string
}

/** What the processes write down. `from` is the moment before a call whose end the entry tells. */
export type Fact =
  /** The sender was told that the queue has it. */
  | { readonly fact: 'sent'; readonly id: string }
  /** The attacker saw it on its way into the queue. */
  | ({ readonly fact: 'seen' } & Letter)
  /** The attacker put it into the queue: the same bytes, or the same body under another message id. */
  | ({ readonly fact: 'copied'; readonly as: 'exact' | 'altered' } & Letter)
  /** A receiver has it from the queue. */
  | ({ readonly fact: 'received' } & Letter)
  | { readonly fact: 'claimed'; readonly envelope: string; readonly answer: string; readonly from: number }
  /** The handler was called. */
  | ({ readonly fact: 'began' } & Letter)
  /** The handler has done its work, whatever becomes of the call. */
  | ({ readonly fact: 'handled' } & Letter)
  | { readonly fact: 'confirmed'; readonly envelope: string; readonly answer: string; readonly from: number }
  /** A receiver is about to ask the queue to delete it. */
  | ({ readonly fact: 'deleting' } & Letter)
  | ({ readonly fact: 'deleted' } & Letter)
  | ({ readonly fact: 'buried'; readonly reason: string } & Letter)
  /** A receiver refused it. */
  | {
      readonly fact: 'refused'
      readonly broker: string
      readonly id: string
      readonly code: string
      readonly action: string
    }

/** A fact, the moment at which it was written and the process that wrote it. */
export type Entry = Fact & { readonly at: number; readonly by: string }

export type FactOf<F extends Fact['fact']> = Extract<Entry, { readonly fact: F }>

/** Microseconds on the monotonic clock of the machine: the same one for all of its processes. */
export const now = (): number => Number(process.hrtime.bigint() / 1000n)

export interface Journal {
  /** Returns when the disk has it: what was written before a SIGKILL is there after it. */
  write(fact: Fact): void
}

const suffix = '.journal'

/** Opens the journal of one process; `by` names it, and is its own. */
export function openJournal(folder: string, by: string): Journal {
  const file = openSync(join(folder, `${by}${suffix}`), 'as')
  return {
    write(fact) {
      writeSync(file, `${JSON.stringify({ at: now(), ...fact })}\n`)
    },
  }
}

/** Every entry of every journal in a folder, in the order of their moments. */
export function readJournals(folder: string): Entry[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(suffix))
    .flatMap((name) => readJournal(join(folder, name), name.slice(0, -suffix.length)))
    .sort((one, other) => one.at - other.at)
}

function readJournal(file: string, by: string): Entry[] {
  // What follows the last line break was being written when the process was killed.
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1)
  return lines.map((line): Entry => ({ ...(JSON.parse(line) as Fact & { at: number }), by }))
}
