import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { abortable } from '../base/signals.ts'
import type { Delivery } from '../contracts/transport.ts'
import { logFields } from '../message/facts.ts'
import type { RejectedMessage } from '../message/message.ts'
import type { MakeBackoff } from '../resilience/backoff.ts'
import type { Gate } from '../resilience/gate.ts'
import { keepLock, type Lock } from '../settling/keep-lock.ts'
import type { Settlement } from '../settling/settlement.ts'
import { releaseClaims } from './give-back.ts'
import type { Judge } from './judge.ts'
import type { Reject } from './rejecting.ts'
import {
  type Decided,
  type Held,
  type Opened,
  type Refused,
  type Sorted,
  sortVerdicts,
  type Taken,
  type Taking,
} from './taking.ts'

/**
 * What waits for the end of an outage: messages whose key store or nonce store cannot be asked now. Their locks are renewed and
 * they are tried again in place, so that an outage costs them no delivery (protocol.md 4.2).
 */
export interface Holding {
  readonly isEmpty: boolean
  /** What the last message whose lock ended here was waiting for; undefined where none did. */
  readonly lapsed: unknown
  /** Keeps a message; its lock is renewed for `renewMs`, then the broker gets it back. */
  keep(held: Held, renewMs: number): void
  /** What the end of an outage brought: messages that can be handed over, and refusals. */
  collect(maxMessages: number): { readonly messages: readonly Taken[]; readonly rejected: readonly RejectedMessage[] }
  /** Gives back what is held of a session, one of whose messages stays in the queue: it may only come after that. Never rejects. */
  letGo(sessionId: string): Promise<void>
  /** Tries nothing again and renews nothing. What was held is in the client's books. */
  stop(): void
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

interface Entry {
  readonly delivery: Delivery
  readonly stop: AbortController
  /** Renews the lock and settles, until it can be handed over. */
  readonly settlement: Settlement
  error: unknown
  /** Set once it can be handed over. */
  taken: Taken | undefined
}

export function createHolding(parts: HoldingParts): Holding {
  const { queue, judge, reject, taking, gate, clock, logger, makeBackoff, closing, inBackground, onChange } = parts
  const held = new Set<Entry>()
  const ready = new Set<Entry>()
  let rejected: RejectedMessage[] = []
  let lapsed: unknown
  let isRetrying = false

  const settlementOf = ({ taken, settlement }: Entry): Settlement => taken?.settlement ?? settlement

  const drop = (entry: Entry): void => {
    held.delete(entry)
    ready.delete(entry)
    entry.stop.abort()
  }

  const letGo = async (sessionId: string): Promise<void> => {
    const behind = [...held, ...ready].filter(({ delivery }) => delivery.message.sessionId === sessionId)
    behind.forEach(drop)
    await Promise.allSettled(behind.map((entry) => settlementOf(entry).release()))
    if (behind.length > 0) onChange()
  }

  const lapse = (entry: Entry): void => {
    drop(entry)
    lapsed = entry.error
    taking.forget(settlementOf(entry))
    const { message } = entry.delivery
    if (message.sessionId !== undefined) inBackground(letGo(message.sessionId))
    const fields = logFields(queue, 'receive', message)
    logger.warn(fields, 'The lock of a held message ended: the broker will deliver it again')
    onChange()
  }

  const keepLocked = (entry: Entry, renewMs: number): void => {
    const lock: Lock = {
      get lockedUntil() {
        return entry.settlement.lockedUntil
      },
      renewLock: () => settlementOf(entry).renewLock(),
    }
    const until = clock.now() + renewMs
    keepLock(lock, { clock, renewUntil: () => until, signal: entry.stop.signal }).then(
      () => lapse(entry),
      () => {},
    )
  }

  /** Its lock may have ended while it was looked at: then nothing is to be done about it. */
  const handOver = async (entry: Entry | undefined, decided: Decided<Opened>): Promise<void> => {
    if (entry === undefined || !held.delete(entry)) {
      await decided.verdict.claim?.release().catch(() => {})
      return
    }
    taking.forget(entry.settlement)
    entry.taken = taking.take(decided)
    ready.add(entry)
  }

  const giveBack = async (entry: Entry | undefined, decided: Decided<Opened>): Promise<void> => {
    await handOver(entry, decided)
    if (entry === undefined) return
    drop(entry)
    await entry.taken?.settlement.release().catch(() => {})
  }

  const refuse = async (entry: Entry | undefined, verdict: Refused): Promise<void> => {
    if (entry === undefined || !held.has(entry)) return
    drop(entry)
    rejected.push(await reject(entry.delivery.message, entry.settlement, verdict))
  }

  /** A key store that hangs must not keep the client from closing. */
  const judgeAgain = async (deliveries: readonly Delivery[]): Promise<Sorted> => {
    const judging = judge(deliveries, closing)
    try {
      return sortVerdicts(deliveries, await abortable(judging, closing))
    } catch (error) {
      await releaseClaims(judging, clock)
      throw error
    }
  }

  /** Resolves with true where some are no longer held. */
  const tryAgain = async (): Promise<boolean> => {
    const entries = new Map(Array.from(held, (entry) => [entry.delivery, entry]))
    const deliveries = [...entries.keys()]
    const sorted = await judgeAgain(deliveries)
    for (const decided of sorted.opened) await handOver(entries.get(decided.delivery), decided)
    for (const { delivery, verdict } of sorted.refused) await refuse(entries.get(delivery), verdict)
    for (const decided of sorted.overtaking) await giveBack(entries.get(decided.delivery), decided)
    for (const { delivery, verdict } of sorted.held) {
      const entry = entries.get(delivery)
      if (entry !== undefined) entry.error = verdict.error
    }
    const decidedCount = deliveries.length - sorted.held.length
    for (let count = 0; count < decidedCount; count += 1) gate.heal()
    // What no time heals concerns the message alone, or so one may hope: the others are tried again while it waits.
    const outage = sorted.held.find(({ verdict }) => verdict.error.isTransient)
    if (outage !== undefined) gate.trip(outage.verdict.error)
    if (decidedCount > 0) onChange()
    return decidedCount > 0
  }

  const retry = async (): Promise<void> => {
    const pause = makeBackoff()
    for (let [first] = held; first !== undefined; [first] = held) {
      await pause.wait(closing, first.error)
      if (held.size > 0 && (await tryAgain())) pause.reset()
    }
  }

  const startRetrying = (): void => {
    if (isRetrying) return
    isRetrying = true
    const over = (): void => {
      isRetrying = false
    }
    inBackground(retry().then(over, over))
  }

  return {
    get isEmpty() {
      return held.size + ready.size === 0
    },
    get lapsed() {
      return lapsed
    },
    keep({ delivery, verdict, claim }, renewMs) {
      const entry: Entry = {
        delivery,
        stop: new AbortController(),
        settlement: taking.settlement(delivery, claim),
        error: verdict.error,
        taken: undefined,
      }
      held.add(entry)
      keepLocked(entry, renewMs)
      startRetrying()
    },
    collect(maxMessages) {
      if (ready.size === 0 && rejected.length === 0) return { messages: [], rejected: [] }
      const entries = [...ready].slice(0, maxMessages)
      entries.forEach(drop)
      const refusals = rejected
      rejected = []
      return { messages: entries.flatMap(({ taken }) => taken ?? []), rejected: refusals }
    },
    letGo,
    stop() {
      for (const entry of [...held, ...ready]) drop(entry)
    },
  }
}
