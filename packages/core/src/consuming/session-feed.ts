import { errorClass, isQueueError } from '../base/errors.ts'
import type { ClientParts } from '../client-parts.ts'
import { DEFAULT_WAIT_MS } from '../receiving/receiver.ts'
import type { HeldSession } from '../sessions/held-session.ts'
import type { Sessions } from '../sessions/sessions.ts'
import { DEFAULT_RENEW_MS } from '../settling/keep-lock.ts'
import type { OpenFeed, Task } from './consumer.ts'
import type { ConsumeOptions } from './handler.ts'
import type { Handling, Job } from './handling.ts'
import { keep } from './kept-lock.ts'

interface SessionFeedParts {
  readonly sessions: Sessions
  readonly makeHandling: (stopping: AbortSignal) => Handling
  readonly options: ConsumeOptions
}

/** How long a session without messages is kept, in milliseconds: others may be waiting for its place. */
const IDLE_MS = 200

/** Feeds a consumer from sessions, for brokers that hand out their locks: one handler per session, until it has no messages. */
export const sessionFeed =
  (client: ClientParts, { sessions, makeHandling, options }: SessionFeedParts): OpenFeed =>
  (stopping) => {
    const { queue, clock, gate, logger, metrics } = client
    const { maxAutoRenewMs: renewMs = DEFAULT_RENEW_MS } = options
    const handling = makeHandling(stopping)

    const serve = (session: HeldSession): Task => {
      const location = { queue, operation: 'consume' }
      const lock = keep(session, { clock, renewMs, code: 'SessionLockLost', location })
      let job: Job | undefined

      /** Resolves with false when the session is to be let go: it has no messages, or one that later ones must not overtake. */
      const handleNext = async (): Promise<boolean> => {
        const pull = { maxMessages: 1, waitMs: IDLE_MS, signal: stopping, renewMs, ifShut: 'wait' } as const
        const { messages, rejected } = await session.pull(pull)
        if (rejected.some(({ settled, disposition }) => !settled && disposition.action !== 'hold')) return false
        for (const taken of messages) {
          job = handling.accept(taken, { lock, context: session.span.context })
          if ((await job.run()) === 'kept') return false
        }
        return messages.length + rejected.length > 0 || session.isHolding
      }

      /** The lock is kept until nothing is left that it is needed for. */
      const letGo = async (): Promise<void> => {
        await session.close().catch(() => {})
        lock.stop()
      }

      const run = async (): Promise<void> => {
        try {
          while (!stopping.aborted && !lock.gone.aborted && (await handleNext()));
          lock.gone.throwIfAborted()
        } catch (error) {
          if (!stopping.aborted) {
            const fields = { queue_name: queue, operation: 'consume', session_id: session.sessionId }
            logger.warn({ ...fields, error_type: errorClass(error) }, 'A session ended early')
            metrics.failed('consume', error)
          }
        } finally {
          await letGo()
        }
      }

      return {
        ended: run(),
        async release() {
          await job?.release()
          await letGo()
        },
      }
    }

    const accept = async (): Promise<HeldSession | null> => {
      try {
        return await sessions.accept({ sessionId: undefined, waitMs: DEFAULT_WAIT_MS, signal: stopping })
      } catch (error) {
        // Others found out that the outage goes on: the next round waits for its end.
        if (isQueueError(error, 'CircuitOpen')) return null
        throw error
      }
    }

    return {
      async next(_, start) {
        await gate.wait(DEFAULT_WAIT_MS, stopping)
        const session = await accept()
        if (session !== null) start(serve(session))
      },
      async close() {},
    }
  }
