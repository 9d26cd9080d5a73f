import type { Copies, StoredCopy } from '../broker/copies.ts'
import type { Letters } from '../broker/letters.ts'
import type { SkippingClock } from '../clock.ts'
import { QUEUES } from '../github/routes.ts'
import type { Place } from '../place.ts'
import type { Ledger } from './ledger.ts'

/** Keeps an eye on the messages that must not reach a bot. */
export interface Watch {
  readonly size: number
  add(copies: readonly StoredCopy[]): void
  /** True when a bot's handler saw one of them. */
  wasAnyRead(): boolean
  /** True when the broker shows each among its dead letters. */
  areAllDead(): Promise<boolean>
  /** True when nothing else lies in any queue, locked or not. */
  areAlone(): boolean
  /** Skips the delays of those that were put off since the last call: what passes is the time of the demo. */
  skipDelays(): void
  /** Why they were refused, as the clients say. */
  codes(): string[]
  /** Why they are dead letters, as the broker says. */
  reasons(): string[]
}

export interface WatchParts {
  readonly copies: Copies
  readonly letters: Letters
  readonly clock: SkippingClock
  readonly ledger: Ledger
}

const distinct = (values: readonly (string | undefined)[]): string[] => [
  ...new Set(values.filter((value) => value !== undefined)),
]

export function createWatch({ copies, letters, clock, ledger }: WatchParts): Watch {
  const watched = new Map<string, StoredCopy>()
  let skipped = 0

  const all = (): StoredCopy[] => [...watched.values()]
  const has = ({ key }: Place): boolean => watched.has(key)
  const rejections = () => ledger.rejections.filter(has)

  return {
    get size() {
      return watched.size
    },
    add(added) {
      for (const copy of added) watched.set(copy.key, copy)
    },
    wasAnyRead: () => all().some(ledger.wasRead),
    async areAllDead() {
      const missing = () => all().filter((copy) => letters.reasonOf(copy) === undefined)
      for (const queue of new Set(missing().map((copy) => copy.queue))) await letters.refresh(queue)
      return missing().length === 0
    },
    areAlone: () => QUEUES.every((queue) => copies.lyingIn(queue).every(has)),
    skipDelays() {
      const known = rejections()
      for (const { rejected } of known.slice(skipped)) {
        if (rejected.disposition.action === 'abandon') clock.skip(rejected.disposition.delayMs)
      }
      skipped = known.length
    },
    codes: () => distinct(rejections().map(({ rejected }) => rejected.error.code)),
    reasons: () => distinct(all().map(letters.reasonOf)),
  }
}
