import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { abortable, linkSignals, OVER } from '../base/signals.ts'
import type { Unprotected } from '../contracts/protection.ts'
import type { Delivery } from '../contracts/transport.ts'
import type { RejectedMessage } from '../message/message.ts'
import type { MakeBackoff } from '../resilience/backoff.ts'
import type { Gate } from '../resilience/gate.ts'
import type { Settlement } from '../settling/settlement.ts'
import { lateVerdicts, releaseClaims } from './give-back.ts'
import type { Judge } from './judge.ts'
import type { Reject } from './rejecting.ts'
import { createShelf, type Entry } from './shelf.ts'
import { type Decided, type Held, type Opened, type Refused, sortVerdicts, type Taken, type Taking } from './taking.ts'

/**
 * What waits for the end of an outage: messages whose key store or nonce store cannot be asked now. Their locks are renewed and
 * they are tried again in place, so that an outage costs them no delivery (protocol.md 4.2).
 */
export interface Holding {
  readonly isEmpty: boolean
  /** What the last message whose lock ended here was waiting for; undefined where none did. */
  readonly lapsed: unknown
  /** Keeps a message and opens the gate; its lock is renewed for `renewMs`, then the broker gets it back. */
  keep(held: Held, renewMs: number): void
  /** What the end of an outage brought: messages that can be handed over, and refusals. */
  collect(maxMessages: number): { readonly messages: readonly Taken[]; readonly rejected: readonly RejectedMessage[] }
  /** Gives back what is held of a session, one of whose messages stays in the queue: it may only come after that. Never rejects. */
  letGo(sessionId: string): Promise<void>
  /**
   * Tries nothing again and renews nothing. What was held is in the client's books; they know of all that is claimed once this
   * resolves.
   */
  stop(): Promise<void>
}

interface HoldingParts {
  readonly queue: string
  readonly judge: Judge
  readonly reject: Reject
  readonly taking: Taking
  readonly gate: Gate
  readonly clock: Clock
  readonly logger: Logger
  readonly makeBackoff: MakeBackoff
  /** Aborts when the receiver closes. */
  readonly closing: AbortSignal
  readonly inBackground: (work: Promise<unknown>) => void
  /** Told when there is something to collect, or less to hold. */
  readonly onChange: () => void
}

const isTaken = (state: Entry['state']): state is Taken => typeof state === 'object'

export function createHolding(parts: HoldingParts): Holding {
  const { judge, reject, taking, gate, clock, makeBackoff, closing, inBackground, onChange } = parts
  let rejected: RejectedMessage[] = []
  let lapsed: unknown
  const stopped = new AbortController()
  const ending = linkSignals(closing, stopped.signal)
  let retrying: Promise<void> | undefined
  /** As the gate knows who tries again. */
  const watcher = {}

  const shelf = createShelf({
    ...parts,
    onLapse({ error }) {
      lapsed = error
      noteRemoval()
    },
  })

  const held = (): Entry[] => [...shelf.entries].filter(({ state }) => state === 'held')

  /** Where nothing is left to try again, time tells whether the outage is over. */
  const noteRemoval = (): void => {
    if (held().length === 0) gate.letGo(watcher)
    onChange()
  }

  const replace = (entry: Entry, settlement: Settlement): void => {
    taking.forget(entry.settlement)
    entry.settlement = settlement
  }

  const makeReady = (entry: Entry, decided: Decided<Opened>): void => {
    const taken = taking.take(decided)
    replace(entry, taken.settlement)
    entry.state = taken
  }

  const holdOn = (entry: Entry, { delivery, verdict, claim }: Held): void => {
    entry.error = verdict.error
    if (claim !== null) replace(entry, taking.settlement(delivery, claim))
  }

  const refuse = async (entry: Entry, verdict: Refused): Promise<void> => {
    entry.state = 'leaving'
    entry.over.abort(OVER)
    rejected.push(await reject(entry.delivery.message, entry.settlement, verdict))
    shelf.remove(entry)
    onChange()
  }

  /** After an abort all that is held is given back by others: nothing of it may stay claimed. */
  const ask = async (deliveries: readonly Delivery[]): Promise<Unprotected[]> => {
    const judging = judge(deliveries, ending.signal)
    try {
      return await abortable(judging, ending.signal)
    } catch (error) {
      await releaseClaims((await lateVerdicts(judging, clock)) ?? [])
      throw error
    }
  }

  /** Resolves with true where some are no longer held. */
  const tryAgain = async (): Promise<boolean> => {
    const asked = held()
    if (asked.length === 0) return false
    const verdicts = await ask(asked.map(({ delivery }) => delivery))
    // The locks of some may have ended meanwhile.
    const isThere = asked.map((entry) => shelf.entries.has(entry))
    const there = new Map(asked.filter((_, index) => isThere[index]).map((entry) => [entry.delivery, entry]))
    const entryOf = ({ delivery }: { readonly delivery: Delivery }): Entry => there.get(delivery) as Entry
    const decided = verdicts.filter((_, index) => isThere[index])
    const sorted = sortVerdicts([...there.keys()], decided)
    inBackground(releaseClaims(verdicts.filter((_, index) => !isThere[index])))

    for (const one of sorted.opened) makeReady(entryOf(one), one)
    for (const one of sorted.held) holdOn(entryOf(one), one)
    for (const one of sorted.refused) inBackground(refuse(entryOf(one), one.verdict))
    for (const one of sorted.overtaking) {
      makeReady(entryOf(one), one)
      inBackground(shelf.giveBack(entryOf(one)))
    }

    // What no time heals concerns the message alone, or so one may hope: the others go on while it waits.
    const outage = sorted.held.find(({ verdict }) => verdict.error.isTransient)
    if (outage === undefined) {
      gate.letGo(watcher)
      sorted.opened.forEach(gate.heal)
    } else gate.trip(outage.verdict.error, watcher)
    if (sorted.opened.length > 0) onChange()
    return sorted.held.length < asked.length
  }

  /** Until nothing is held any more, or the receiver closes. */
  const retry = async (): Promise<void> => {
    const pause = makeBackoff()
    try {
      for (let [first] = held(); first !== undefined; [first] = held()) {
        await pause.wait(ending.signal, first.error)
        if (await tryAgain()) pause.reset()
      }
    } finally {
      gate.letGo(watcher)
      retrying = undefined
    }
  }

  return {
    get isEmpty() {
      return shelf.entries.size === 0
    },
    get lapsed() {
      return lapsed
    },
    keep(one, renewMs) {
      if (stopped.signal.aborted) {
        inBackground(taking.settlement(one.delivery, one.claim).release())
        return
      }
      shelf.put(one, renewMs)
      gate.trip(one.verdict.error, watcher)
      if (retrying !== undefined) return
      retrying = retry()
      inBackground(retrying)
    },
    collect(maxMessages) {
      if (shelf.entries.size + rejected.length === 0) return { messages: [], rejected }
      const ready = [...shelf.entries].filter(({ state }) => isTaken(state)).slice(0, maxMessages)
      ready.forEach(shelf.remove)
      const refusals = rejected
      rejected = []
      return { messages: ready.flatMap(({ state }) => (isTaken(state) ? state : [])), rejected: refusals }
    },
    async letGo(sessionId) {
      const given = shelf.letGo(sessionId)
      noteRemoval()
      await given
    },
    async stop() {
      stopped.abort(OVER)
      ending.unlink()
      for (const entry of shelf.entries) shelf.remove(entry)
      gate.letGo(watcher)
      await retrying?.catch(() => {})
    },
  }
}
