import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { OVER } from '../base/signals.ts'
import type { Delivery } from '../contracts/transport.ts'
import { logFields } from '../message/facts.ts'
import { keepLock, type Lock } from '../settling/keep-lock.ts'
import type { Settlement } from '../settling/settlement.ts'
import type { Held, Refused, Taken, Taking } from './taking.ts'

/** A message whose lock is kept. */
export interface Entry {
  readonly delivery: Delivery
  /** What settles it. Another one takes its place when it is claimed anew. */
  settlement: Settlement
  /** Why it waits. */
  error: Refused['error']
  /** `leaving`: it is being settled. Taken: it can be handed over. */
  state: 'held' | 'leaving' | Taken
  /** Aborts when its lock is kept no longer. */
  readonly over: AbortController
}

/** Where messages lie under locks that are renewed. One whose lock ends all the same is left to the broker. */
export interface Shelf {
  /** In the order in which they were received. */
  readonly entries: ReadonlySet<Entry>
  put(held: Held, renewMs: number): void
  /** Takes it down, for whoever settles it. */
  remove(entry: Entry): void
  /** Gives back all of a session, one of whose messages stays in the queue: it may only come after that. Never rejects. */
  letGo(sessionId: string): Promise<void>
  giveBack(entry: Entry): Promise<void>
}

interface ShelfParts {
  readonly queue: string
  readonly taking: Taking
  readonly clock: Clock
  readonly logger: Logger
  readonly inBackground: (work: Promise<unknown>) => void
  /** Told after an entry was left to the broker. */
  readonly onLapse: (entry: Entry) => void
}

export function createShelf({ queue, taking, clock, logger, inBackground, onLapse }: ShelfParts): Shelf {
  const entries = new Set<Entry>()

  const remove = (entry: Entry): void => {
    entries.delete(entry)
    entry.over.abort(OVER)
  }

  const giveBack = async (entry: Entry): Promise<void> => {
    remove(entry)
    await entry.settlement.release().catch(() => {})
  }

  const letGo = async (sessionId: string): Promise<void> => {
    const ofSession = [...entries].filter(({ delivery }) => delivery.message.sessionId === sessionId)
    await Promise.all(ofSession.map(giveBack))
  }

  const lapse = (entry: Entry): void => {
    if (!entries.has(entry)) return
    const { message } = entry.delivery
    remove(entry)
    taking.forget(entry.settlement)
    if (message.sessionId !== undefined) inBackground(letGo(message.sessionId))
    const fields = logFields(queue, 'receive', message)
    logger.warn(fields, 'The lock of a held message ended: the broker will deliver it again')
    onLapse(entry)
  }

  const keepLocked = (entry: Entry, renewMs: number): void => {
    const lock: Lock = {
      get lockedUntil() {
        return entry.settlement.lockedUntil
      },
      renewLock: () => entry.settlement.renewLock(),
    }
    const renewUntil = clock.now() + renewMs
    keepLock(lock, { clock, renewUntil: () => renewUntil, signal: entry.over.signal }).then(
      () => lapse(entry),
      () => {},
    )
  }

  return {
    entries,
    put({ delivery, verdict, claim }, renewMs) {
      const entry: Entry = {
        delivery,
        settlement: taking.settlement(delivery, claim),
        error: verdict.error,
        state: 'held',
        over: new AbortController(),
      }
      entries.add(entry)
      keepLocked(entry, renewMs)
    },
    remove,
    letGo,
    giveBack,
  }
}
