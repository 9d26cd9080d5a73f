import type { Closable } from '../base/options.ts'
import type { QueueReceiver } from '../queue-client.ts'
import { createQueueReceiver, type Located } from '../receiving/queue-receiver.ts'
import type { HeldSession } from './held-session.ts'

/**
 * A session under its lock: its messages come in order, to nobody else. The lock is renewed by `renewLock()` alone; once it is
 * gone every operation rejects with SessionLockLost. `close()` gives back what is unsettled and lets the session go.
 */
export interface Session extends QueueReceiver, Closable {
  readonly sessionId: string
  /** When the lock ends by the local clock; moves with `renewLock()`. */
  readonly lockedUntil: Date
  /**
   * Extends the lock, for the messages that were received, too; resolves with its new end.
   * @throws SessionLockLost · MessageLockLost where another delivery claimed a message meanwhile
   */
  renewLock(): Promise<Date>
}

/** What an application gets of a held session. */
export function createSession(held: HeldSession, located: Located): Session {
  const { closing } = held
  const close = (): Promise<void> => held.close()
  return {
    ...createQueueReceiver({ source: held, located, closing }),
    sessionId: held.sessionId,
    get lockedUntil() {
      return held.lockedUntil
    },
    renewLock: () =>
      located('renewLock', closing, async () => {
        closing.throwIfAborted()
        return held.renewLock()
      }),
    close,
    [Symbol.asyncDispose]: close,
  }
}
