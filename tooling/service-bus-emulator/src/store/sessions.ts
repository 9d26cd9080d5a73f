import { type Agenda, createAgenda } from './agenda.ts'
import type { Hold } from './entry.ts'
import { sessionLocked, sessionLockLost } from './errors.ts'

/** Which sessions are locked, by whom and until when, and their state. */
export interface Sessions {
  readonly agenda: Agenda<Hold>
  isLocked(sessionId: string): boolean
  /** @throws session-cannot-be-locked */
  lock(sessionId: string, owner: string, until: number, onLost: () => void): Hold
  renew(hold: Hold, until: number): void
  /** Ends the lock, without telling its holder. */
  unlock(hold: Hold): void
  /** The hold of a session, which `owner` has where that is named. @throws session-lock-lost */
  held(sessionId: string, owner: string | undefined): Hold
  state(sessionId: string): Uint8Array | undefined
  setState(sessionId: string, state: Uint8Array | undefined): void
}

export function createSessions(): Sessions {
  const holds = new Map<string, Hold>()
  const states = new Map<string, Uint8Array>()
  const agenda = createAgenda<Hold>()

  return {
    agenda,
    isLocked: (sessionId) => holds.has(sessionId),
    lock(sessionId, owner, until, onLost) {
      if (holds.has(sessionId)) throw sessionLocked(sessionId)
      const hold: Hold = { sessionId, owner, until, isLost: false, entries: new Set(), onLost }
      holds.set(sessionId, hold)
      agenda.set(hold, until)
      return hold
    },
    renew(hold, until) {
      hold.until = until
      agenda.set(hold, until)
    },
    unlock(hold) {
      hold.isLost = true
      holds.delete(hold.sessionId)
      agenda.set(hold, Number.POSITIVE_INFINITY)
    },
    held(sessionId, owner) {
      const hold = holds.get(sessionId)
      if (hold === undefined || (owner !== undefined && hold.owner !== owner)) throw sessionLockLost(sessionId)
      return hold
    },
    state: (sessionId) => states.get(sessionId),
    setState(sessionId, state) {
      if (state === undefined) states.delete(sessionId)
      else states.set(sessionId, state)
    },
  }
}
