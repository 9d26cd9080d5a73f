import type { Clock } from '../base/clock.ts'
import type { Settlement } from './settlement.ts'

/** What a client handed over and has not seen settled, so that closing can give it back. */
export interface Unsettled {
  readonly add: (settlement: Settlement) => void
  readonly delete: (settlement: Settlement) => void
  /** Extends the claims of all of it, where its lock was renewed. Rejects where one could not be. */
  readonly renewClaims: (lockedUntil: Date) => Promise<void>
  /** Abandons all of it. What cannot be abandoned comes back when its lock ends. */
  readonly release: () => Promise<void>
}

export function createUnsettled(clock: Clock): Unsettled {
  const settlements = new Set<Settlement>()
  let limit = 64

  /** Messages that an application forgot are dropped once their lock is gone; looking for them only at each doubling keeps this cheap. */
  const forgetLapsed = (): void => {
    if (settlements.size < limit) return
    for (const settlement of settlements) {
      if (settlement.lockedUntil.getTime() <= clock.now()) settlements.delete(settlement)
    }
    limit = Math.max(64, settlements.size * 2)
  }

  return {
    add(settlement) {
      forgetLapsed()
      settlements.add(settlement)
    },
    delete: (settlement) => void settlements.delete(settlement),
    async renewClaims(lockedUntil) {
      await Promise.all([...settlements].map((settlement) => settlement.renewClaim(lockedUntil)))
    },
    async release() {
      await Promise.allSettled([...settlements].map((settlement) => settlement.release()))
    },
  }
}
