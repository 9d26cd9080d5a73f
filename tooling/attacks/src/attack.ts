import type { Ground } from './ground.ts'

/** What the attacker can do beside reading the code: the letters of protocol.md 9, and what goes wrong without anybody. */
type Attacker = 'queue reader' | 'queue writer' | 'broker' | 'nonce store writer' | 'holder of an old key' | 'nobody'

/** The names of the broken implementations that the attacks must catch; each is one easily made fault. */
export type Mutant =
  | 'seals nothing'
  | 'looks at no tag'
  | 'leaves the header out of the tag'
  | 'leaves the context out of the tag'
  | 'joins the fields of the context without their lengths'
  | 'tells the session by the word of the broker'
  | 'binds the queue'
  | 'takes broken envelopes for plaintext'
  | 'cuts envelopes to their length'
  | 'allocates what is claimed'
  | 'lets plaintext through'
  | 'calls plaintext sealed'
  | 'judges no age'
  | 'judges no future'
  | 'knows no end of a key'
  | 'asks the store for every key'
  | 'counts no seals'
  | 'knows no audience'
  | 'authenticates no attributes'
  | 'shows every attribute as authenticated'
  | 'pads nothing'
  | 'grants every claim'
  | 'forgets what was handled'
  | 'gives no claim back'
  | 'lets no lease end'
  | 'fails open'
  | 'claims before it opens'
  | 'completes what it refuses'
  | 'loses a batch for one message'
  | 'retries for ever'
  | 'gives back what it cannot decide'
  | 'deletes instead of dead-lettering'
  | 'tells which check failed'
  | 'tells why the handler failed'
  | 'logs keys'
  | 'logs bodies'

/** What happened, as the table tells it, and numbers beside it that nobody judges. */
export interface Observed {
  readonly outcome: string
  readonly facts?: Readonly<Record<string, string | number>>
}

interface Described {
  /** The number in protocol.md 9; one number may have several rows. */
  readonly number: number
  readonly name: string
  readonly by: Attacker
  /** What must happen: what `run` observes must read exactly so. */
  readonly expected: string
}

/** One attack. `run` carries it out on a ground of its own and tells what happened; it judges nothing. */
export interface Attack extends Described {
  /** The broken implementations that this attack must tell from a sound one. */
  readonly catches: readonly Mutant[]
  run(ground: Ground): Promise<Observed>
}

/** An attack that cannot be run here, and why. */
interface SkippedAttack extends Described {
  readonly skipped: string
}

export type Row = Attack | SkippedAttack
