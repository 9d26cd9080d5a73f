import type { SessionTransport } from '@queue-runtime/core/provider'
import { sessionLockLost } from './errors.ts'
import { createReceiver } from './receiver.ts'
import type { HeldSession } from './session-desk.ts'

/** A session for as long as its lock lasts. Closing it frees the session and gives back what was not settled. */
export function createSessionTransport(queue: string, session: HeldSession, onClose: () => void): SessionTransport {
  const end = (): void => {
    session.end()
    onClose()
  }
  const { receive, close } = createReceiver(
    () => session,
    () => sessionLockLost(queue, 'receive'),
    end,
  )

  return {
    sessionId: session.sessionId,
    get lockedUntil() {
      return session.lockedUntil
    },
    async renewLock() {
      session.renew()
      return session.lockedUntil
    },
    receive,
    close,
  }
}
