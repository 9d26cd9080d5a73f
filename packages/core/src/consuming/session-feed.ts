import { errorClass, QueueError } from '../base/errors.ts'
import { linkSignals } from '../base/signals.ts'
import type { ClientParts } from '../client-parts.ts'
import { DEFAULT_WAIT_MS } from '../receiving/receiver.ts'
import type { HeldSession } from '../sessions/held-session.ts'
import type { Sessions } from '../sessions/sessions.ts'
import { DEFAULT_RENEW_MS, keepLock } from '../settling/keep-lock.ts'
import type { OpenFeed, Task } from './consumer.ts'
import type { ConsumeOptions } from './handler.ts'
import type { Handling, Job } from './handling.ts'

/** How long a session without messages is kept, in milliseconds: others may be waiting for its place. */
const IDLE_MS = 1_000

/** Feeds a consumer from sessions, for brokers that hand out their locks: one handler per session, until it has no messages. */
export const sessionFeed =
  (
    client: ClientParts,
    sessions: Sessions,
    makeHandling: (stopping: AbortSignal) => Handling,
    options: ConsumeOptions,
  ): OpenFeed =>
  (stopping) => {
    const { queue, clock, gate, logger } = client
    const { maxAutoRenewMs: renewMs = DEFAULT_RENEW_MS } = options
    const handling = makeHandling(stopping)

    const serve = (session: HeldSession): Task => {
      const lost = new AbortController()
      const over = new AbortController()
      const ending = linkSignals(stopping, lost.signal)
      let renewUntil = clock.now() + renewMs
      let job: Job | undefined

      const lose = (): void => {
        const place = { queue, operation: 'process' }
        lost.abort(new QueueError('SessionLockLost', 'The lock of the session ended.', place))
      }

      /** Resolves with false when the session has nothing to do for now. */
      const handleNext = async (): Promise<boolean> => {
        const pull = { maxMessages: 1, waitMs: IDLE_MS, signal: ending.signal, renewMs, ifShut: 'wait' } as const
        const { messages, rejected } = await session.pull(pull)
        for (const taken of messages) {
          renewUntil = clock.now() + renewMs
          job = handling.accept(taken, { lost: lost.signal, context: session.span.context })
          await job.run()
        }
        return messages.length + rejected.length > 0 || session.isHolding
      }

      const run = async (): Promise<void> => {
        keepLock(session, { clock, renewUntil: () => renewUntil, signal: over.signal }).then(lose, () => {})
        try {
          while (!ending.signal.aborted && (await handleNext()));
        } catch (error) {
          if (!ending.signal.aborted) {
            const fields = { queue_name: queue, operation: 'consume', session_id: session.sessionId }
            logger.warn({ ...fields, error_type: errorClass(error) }, 'A session ended early')
          }
        } finally {
          over.abort()
          ending.unlink()
          await session.close().catch(() => {})
        }
      }

      return {
        ended: run(),
        async release() {
          await job?.release()
          await session.close().catch(() => {})
        },
      }
    }

    return {
      async next(_, start) {
        await gate.wait(DEFAULT_WAIT_MS, stopping)
        const session = await sessions.accept({ sessionId: undefined, waitMs: DEFAULT_WAIT_MS, signal: stopping })
        if (session !== null) start(serve(session), 1)
      },
    }
  }
