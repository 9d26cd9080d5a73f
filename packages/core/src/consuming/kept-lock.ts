import type { Clock } from '../base/clock.ts'
import { type ErrorLocation, isLockLost, QueueError } from '../base/errors.ts'
import { OVER } from '../base/signals.ts'
import { keepLock, type Lock } from '../settling/keep-lock.ts'

/** The lock of a message or a session, kept while somebody works under it. */
export interface KeptLock {
  readonly lockedUntil: Date
  /** Aborts with an error that says so when the lock is lost, or what was claimed under it. */
  readonly gone: AbortSignal
  /** It is renewed for the full time from now on. */
  restart(): void
  /** Renews it no more, and says no more of it. */
  stop(): void
}

type LostCode = 'MessageLockLost' | 'SessionLockLost'

interface KeptLockParts {
  readonly clock: Clock
  /** For how long it is renewed, in milliseconds. */
  readonly renewMs: number
  /** What is lost where its time just ends. */
  readonly code: LostCode
  /** Where, for the error. */
  readonly location: ErrorLocation
}

/** Renews a lock until it is stopped, for `renewMs` at most. */
export function keep(lock: Lock, { clock, renewMs, code, location }: KeptLockParts): KeptLock {
  const gone = new AbortController()
  const over = new AbortController()
  let renewUntil = clock.now() + renewMs
  let lost: LostCode = code

  const watched: Lock = {
    get lockedUntil() {
      return lock.lockedUntil
    },
    async renewLock() {
      try {
        await lock.renewLock()
      } catch (error) {
        if (isLockLost(error)) lost = error.code
        throw error
      }
    },
  }
  keepLock(watched, { clock, renewUntil: () => renewUntil, signal: over.signal }).then(
    () => gone.abort(new QueueError(lost, 'The lock ended.', location)),
    () => {},
  )

  return {
    get lockedUntil() {
      return lock.lockedUntil
    },
    gone: gone.signal,
    restart() {
      renewUntil = clock.now() + renewMs
    },
    stop: () => over.abort(OVER),
  }
}
