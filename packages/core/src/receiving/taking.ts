import type { Claim, Unprotected } from '../contracts/protection.ts'
import type { Delivery, IncomingMessage } from '../contracts/transport.ts'
import type { ReceivedMessage } from '../message/message.ts'
import { createReceivedMessage } from '../message/received-message.ts'
import { createSettlement, type Settlement } from '../settling/settlement.ts'
import type { Unsettled } from '../settling/unsettled.ts'
import type { WatchSettling } from '../settling/watch-settling.ts'

/** A message that may be handed over: what the application gets, and what core needs beside it. */
export interface Taken {
  readonly message: ReceivedMessage
  readonly incoming: IncomingMessage
  readonly settlement: Settlement
}

/** A verdict that hands the message over, and one that does not. */
export type Opened = Extract<Unprotected, { body: Uint8Array }>
export type Refused = Exclude<Unprotected, Opened>

/** What was decided about one delivery. */
export interface Decided<Verdict extends Unprotected> {
  readonly delivery: Delivery
  readonly verdict: Verdict
}

/** A message that waits for the end of an outage. It may have been claimed before what it waits for was known. */
export interface Held extends Decided<Refused> {
  readonly claim: Claim | null
}

/** Verdicts by what is to be done. */
export interface Sorted {
  readonly opened: Decided<Opened>[]
  readonly refused: Decided<Refused>[]
  readonly held: Held[]
  /** Opened, and behind a message of the same session that comes again: to be given back, so that order holds. */
  readonly overtaking: Decided<Opened>[]
}

export function sortVerdicts(deliveries: readonly Delivery[], verdicts: readonly Unprotected[]): Sorted {
  const sorted: Sorted = { opened: [], refused: [], held: [], overtaking: [] }
  /** What stops a session: a message of it that goes back, or the first that is held. */
  const stopped = new Map<string, Refused>()

  const stopOf = ({ message: { sessionId } }: Delivery): Refused | undefined =>
    sessionId === undefined ? undefined : stopped.get(sessionId)

  const refuse = (delivery: Delivery, { error, disposition }: Refused): void => {
    const { sessionId } = delivery.message
    const stop = stopOf(delivery)
    const isBehind = disposition.action === 'hold' && stop?.disposition.action === 'abandon'
    const verdict: Refused = { error, disposition: isBehind ? { action: 'abandon', delayMs: 0 } : disposition }
    const { action } = verdict.disposition
    if (action === 'hold') sorted.held.push({ delivery, verdict, claim: null })
    else sorted.refused.push({ delivery, verdict })
    const isStop = action === 'abandon' || (action === 'hold' && stop === undefined)
    if (isStop && sessionId !== undefined) stopped.set(sessionId, verdict)
  }

  const open = (delivery: Delivery, verdict: Opened): void => {
    const stop = stopOf(delivery)
    if (stop === undefined) sorted.opened.push({ delivery, verdict })
    else if (stop.disposition.action === 'hold') sorted.held.push({ delivery, verdict: stop, claim: verdict.claim })
    else sorted.overtaking.push({ delivery, verdict })
  }

  for (const [index, delivery] of deliveries.entries()) {
    const verdict = verdicts[index] as Unprotected
    if ('body' in verdict) open(delivery, verdict)
    else refuse(delivery, verdict)
  }
  return sorted
}

/** Takes deliveries into the client's books, so that closing gives back what was not settled. */
export interface Taking {
  /** An opened one, for the application. */
  take(opened: Decided<Opened>): Taken
  /** One that core settles itself. */
  settlement(delivery: Delivery, claim?: Claim | null): Settlement
  /** Strikes out a settlement in whose place another one came. */
  forget(settlement: Settlement): void
}

export function createTaking(parts: {
  readonly queue: string
  readonly watch: WatchSettling
  readonly unsettled: Unsettled
}): Taking {
  const { queue, watch, unsettled } = parts
  const enter = (delivery: Delivery, claim: Claim | null): Settlement => {
    const settlement = createSettlement(delivery, claim, { queue, watch, onEnd: unsettled.delete })
    unsettled.add(settlement)
    return settlement
  }
  return {
    take({ delivery, verdict }) {
      const settlement = enter(delivery, verdict.claim)
      const { message: incoming } = delivery
      return { message: createReceivedMessage(incoming, verdict, settlement), incoming, settlement }
    },
    settlement: (delivery, claim = null) => enter(delivery, claim),
    forget: unsettled.delete,
  }
}
