import { isQueueError, QueueError } from '../base/errors.ts'
import type { ClientParts } from '../client-parts.ts'
import type { QueueTransport, SessionTransport } from '../contracts/transport.ts'
import { isPermanent } from '../resilience/backoff.ts'
import { PROBE_MS } from '../resilience/gate.ts'
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
   * Resolves with a session under its lock, or with null when there is none in time. What the broker throws is thrown at once.
   * @throws Unsupported · SessionLocked · CircuitOpen
   */
  accept(options: AcceptOptions): Promise<HeldSession | null>
  close(): Promise<void>
}

/** A transport that comes back with none before its time is asked no more often than this, in milliseconds. */
const MIN_LOOK_MS = 100

export function createSessions(client: ClientParts, transport: QueueTransport): Sessions {
  const { queue, gate, clock } = client
  const { acceptSession, features } = transport
  const held = new Set<HeldSession>()

  const sleepUntil = (moment: number, signal: AbortSignal): Promise<void> =>
    clock.sleep(Math.max(0, moment - clock.now()), signal)

  const askBroker = async (options: AcceptOptions): Promise<SessionTransport | null> => {
    const place = { queue, operation: 'acceptSession' }
    if (acceptSession === undefined) {
      const text = 'The provider cannot accept sessions of this queue.'
      throw new QueueError('Unsupported', text, { ...place, facts: { feature: 'acceptSession' } })
    }
    const passage = gate.enter('receive')
    const begun = clock.now()
    const waitMs = passage.isProbe ? Math.min(options.waitMs, PROBE_MS) : options.waitMs
    try {
      const session = await acceptSession.call(transport, { ...options, waitMs })
      if (session === null) await sleepUntil(begun + Math.min(waitMs, MIN_LOOK_MS), options.signal)
      passage.succeeded()
      return session
    } catch (error) {
      // A session that somebody else holds is an answer of a broker in good health.
      if (options.signal.aborted || isPermanent(error) || isQueueError(error, 'SessionLocked')) passage.left()
      else passage.failed(error)
      throw error
    }
  }

  /** A probe looks for a moment only: it is followed by longer looks where time is left. */
  const askUntil = async (deadline: number, options: AcceptOptions): Promise<SessionTransport | null> => {
    for (;;) {
      const session = await askBroker({ ...options, waitMs: Math.max(0, deadline - clock.now()) })
      if (session !== null || clock.now() >= deadline) return session
    }
  }

  return {
    areSupported: acceptSession !== undefined,
    async accept(options) {
      const accepted = await askUntil(clock.now() + options.waitMs, options)
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
