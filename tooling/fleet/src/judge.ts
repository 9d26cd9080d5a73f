import type { Entry, Fact, FactOf } from './journal.ts'

/** What must be empty at the end. */
export interface Wrongs {
  /** Sent, and never handled. */
  readonly lost: readonly string[]
  /** A handler was called with an envelope of which it was known, at an earlier moment, that it is confirmed. */
  readonly handledAfterConfirm: readonly string[]
  /** The store granted an envelope to somebody who asked after it was known that it is confirmed. */
  readonly grantedAfterConfirm: readonly string[]
  /** Envelopes that two confirms were the first for. */
  readonly confirmedTwice: readonly string[]
  /** Deleted from the queue before it was known that its envelope is confirmed. */
  readonly deletedUnconfirmed: readonly string[]
  /** Handled, and sent by nobody: a message under an altered id. */
  readonly forged: readonly string[]
  /** Broker ids of what neither a receiver settled nor lies among the dead letters. */
  readonly unsettled: readonly string[]
  /** Among the dead letters, and not an altered copy. */
  readonly wronglyBuried: readonly string[]
}

/** What happened, for a reader. */
interface Figures {
  readonly sent: number
  readonly handlings: number
  /** Handlings of an envelope beyond its first: after a failed handler, a crash, an outage. */
  readonly repeated: number
  /** Handled and not confirmed, confirmed and not deleted, by the same process: it was killed in between. */
  readonly diedUnconfirmed: number
  readonly diedUndeleted: number
  readonly copies: number
  /** Exact copies that were settled as duplicates. */
  readonly duplicates: number
  /** Exact copies that came first, so that the original was settled as the duplicate. */
  readonly takenFirst: number
  /** Altered copies, all of them dead letters. */
  readonly refused: number
  /** What receivers said when they refused something, by code. */
  readonly refusals: Readonly<Record<string, number>>
}

export interface Verdict {
  readonly wrongs: Wrongs
  readonly figures: Figures
}

/**
 * When it was known that an envelope is confirmed: the earliest moment after a confirm was answered, after a claim was told that it
 * is completed, or after the queue had deleted it. The confirm itself was before that. All moments are of one clock, so whatever
 * has a later moment happened after the confirm.
 */
function knownConfirms(entries: readonly Entry[]): ReadonlyMap<string, number> {
  const known = new Map<string, number>()
  for (const entry of entries) {
    if (!saysConfirmed(entry) || known.has(entry.envelope)) continue
    known.set(entry.envelope, entry.at)
  }
  return known
}

function saysConfirmed(entry: Entry): entry is FactOf<'confirmed' | 'claimed' | 'deleted'> {
  if (entry.fact === 'confirmed') return entry.answer !== 'lost'
  if (entry.fact === 'claimed') return entry.answer === 'completed'
  return entry.fact === 'deleted'
}

const isGrant = ({ answer }: FactOf<'claimed'>): boolean => answer.startsWith('granted')

type Step = Pick<FactOf<'deleting'>, 'envelope' | 'by'>

/** How many first steps the process that took them did not follow with a second one. */
function unfinished(first: readonly Step[], second: readonly Step[]): number {
  const keyOf = ({ envelope, by }: Step): string => `${envelope} ${by}`
  const followed = new Set(second.map(keyOf))
  return first.filter((step) => !followed.has(keyOf(step))).length
}

/** What is in it more than once, once for each time too many. */
function repeats(items: readonly string[]): string[] {
  const seen = new Set<string>()
  return items.filter((item) => seen.has(item) || !seen.add(item))
}

/**
 * Judges a run by what its processes wrote down.
 *
 * @param buried the message ids of the dead letters
 */
export function judge(entries: readonly Entry[], buried: readonly string[]): Verdict {
  const of = <F extends Fact['fact']>(fact: F): FactOf<F>[] =>
    entries.filter((entry): entry is FactOf<F> => entry.fact === fact)
  const confirmedAt = knownConfirms(entries)
  const isAfterConfirm = (envelope: string, moment: number): boolean => moment > (confirmedAt.get(envelope) ?? Infinity)

  const [sent, began, copied, deleting] = [of('sent'), of('began'), of('copied'), of('deleting')]
  const sentIds = new Set(sent.map(({ id }) => id))
  const handledIds = new Set(of('handled').map(({ id }) => id))
  const deletedBrokers = new Set(deleting.map(({ broker }) => broker))
  const handledBrokers = new Set(of('handled').map(({ broker }) => broker))
  const exact = copied.filter(({ as }) => as === 'exact')
  const altered = copied.filter(({ as }) => as === 'altered')
  const alteredIds = new Set(altered.map(({ id }) => id))
  const buriedIds = new Set(buried)
  const firstConfirms = of('confirmed').filter(({ answer }) => answer === 'ok')
  const whole = [...of('seen'), ...exact]

  return {
    wrongs: {
      lost: [...sentIds].filter((id) => !handledIds.has(id)),
      handledAfterConfirm: began.filter(({ envelope, at }) => isAfterConfirm(envelope, at)).map(({ id }) => id),
      grantedAfterConfirm: of('claimed')
        .filter((claim) => isGrant(claim) && isAfterConfirm(claim.envelope, claim.from))
        .map(({ envelope }) => envelope),
      confirmedTwice: repeats(firstConfirms.map(({ envelope }) => envelope)),
      deletedUnconfirmed: deleting
        .filter(({ envelope, at }) => !((confirmedAt.get(envelope) ?? Infinity) <= at))
        .map(({ id }) => id),
      forged: began.filter(({ id }) => alteredIds.has(id)).map(({ id }) => id),
      unsettled: [
        ...whole.filter(({ broker }) => !deletedBrokers.has(broker)).map(({ broker }) => broker),
        ...altered.filter(({ id }) => !buriedIds.has(id)).map(({ broker }) => broker),
      ],
      wronglyBuried: buried.filter((id) => !alteredIds.has(id)),
    },
    figures: {
      sent: sentIds.size,
      handlings: began.length,
      repeated: repeats(began.map(({ envelope }) => envelope)).length,
      diedUnconfirmed: unfinished(of('handled'), of('confirmed')),
      diedUndeleted: unfinished(firstConfirms, deleting),
      copies: copied.length,
      duplicates: exact.filter(({ broker }) => !handledBrokers.has(broker)).length,
      takenFirst: exact.filter(({ broker }) => handledBrokers.has(broker)).length,
      refused: altered.length,
      refusals: tally(of('refused').map(({ code }) => code)),
    },
  }
}

const tally = (items: readonly string[]): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const item of items) counts[item] = (counts[item] ?? 0) + 1
  return counts
}
