import { isQueueError, QueueError } from '../base/errors.ts'
import type { ClientParts } from '../client-parts.ts'
import type { QueueTransport, SessionTransport } from '../contracts/transport.ts'
import { isPermanent } from '../resilience/backoff.ts'
import { type HeldSession, holdSession } from './held-session.ts'

interface AcceptOptions {
  /** Undefined: the next that has messages. */
  readonly sessionId: string | undefined
  readonly waitMs: number
  readonly signal: AbortSignal
}

/** The sessions that a client holds. */
export interface Sessions {
  /** True where the broker hands out the locks of sessions. */
  readonly areSupported: boolean
  /**
   * Resolves with a session under its lock, or with null when there is none in time. Asks once.
   * @throws Unsupported · SessionLocked · CircuitOpen
   */
  accept(options: AcceptOptions): Promise<HeldSession | null>
  close(): Promise<void>
}

export function createSessions(client: ClientParts, transport: QueueTransport): Sessions {
  const { queue, gate } = client
  const { acceptSession, features } = transport
  const held = new Set<HeldSession>()

  const askBroker = async (options: AcceptOptions): Promise<SessionTransport | null> => {
    const place = { queue, operation: 'acceptSession' }
    if (acceptSession === undefined) {
      const text = 'The provider cannot accept sessions of this queue.'
      throw new QueueError('Unsupported', text, { ...place, facts: { feature: 'acceptSession' } })
    }
    const passage = gate.enter('receive')
    try {
      const session = await acceptSession.call(transport, options)
      passage.succeeded()
      return session
    } catch (error) {
      // A session that somebody else holds is an answer of a broker in good health.
      if (options.signal.aborted || isPermanent(error) || isQueueError(error, 'SessionLocked')) passage.left()
      else passage.failed(error)
      throw error
    }
  }

  return {
    areSupported: acceptSession !== undefined,
    async accept(options) {
      const accepted = await askBroker(options)
      if (accepted === null) return null
      const session = holdSession(client, accepted, features, (closed) => held.delete(closed))
      held.add(session)
      if (!options.signal.aborted) return session
      // It came in the tick of the abort: nobody will take it.
      await session.close().catch(() => {})
      throw options.signal.reason
    },
    async close() {
      await Promise.allSettled(Array.from(held, (session) => session.close()))
    },
  }
}
