import type { Context } from '@opentelemetry/api'
import { errorClass, isQueueError, QueueError } from '../base/errors.ts'
import type { ClientParts } from '../client-parts.ts'
import { logFields } from '../message/facts.ts'
import type { Disposition, ReceivedMessage } from '../message/message.ts'
import type { Taken } from '../receiving/taking.ts'
import { backoffMs } from '../resilience/backoff.ts'
import { execute, isDisposition } from '../settling/disposition.ts'
import { DEFAULT_RENEW_MS, keepLock } from '../settling/keep-lock.ts'
import type { MessageHandler, ProcessOptions } from './handler.ts'

/** One message on its way through the application, from the moment it is in hand: its lock is kept while it waits, too. */
export interface Job {
  /** Runs the handler to the settlement. Resolves with true where the message left the queue. Never rejects. */
  run(): Promise<boolean>
  /** Gives the message back where it is not settled yet. Never rejects. */
  release(): Promise<void>
}

/** The session that a message came in: its lock is kept by whoever holds the session. */
export interface HeldSession {
  /** Aborts when the lock of the session is lost. */
  readonly lost: AbortSignal
  readonly context: Context
}

/** Takes messages through the application. */
export interface Handling {
  accept(taken: Taken, session?: HeldSession): Job
}

interface HandlingParts {
  readonly handler: MessageHandler
  readonly options: ProcessOptions
  /** Aborts when the consumer closes. */
  readonly stopping: AbortSignal
}

/** A body that is not what the handler expects does not become it by trying again; a handler that stops has not failed. */
const byDefault = (error: unknown, message: ReceivedMessage, isStopping: boolean): Disposition =>
  isQueueError(error, 'InvalidBody') && error.messageId === message.messageId
    ? { action: 'dead-letter', reason: 'qr.invalid-body' }
    : { action: 'abandon', delayMs: isStopping ? 0 : backoffMs(message.deliveryCount) }

/** Settling goes on while the consumer stops: that is what it waits for. */
const NEVER = new AbortController().signal

export function createHandling(client: ClientParts, { handler, options, stopping }: HandlingParts): Handling {
  const { queue, logger, clock, gate, retry, makeBackoff, metrics, tracing } = client
  const { onError, maxAutoRenewMs = DEFAULT_RENEW_MS } = options

  const fieldsOf = (message: ReceivedMessage, operation: string, error: unknown): Record<string, unknown> => ({
    ...logFields(queue, operation, message),
    error_type: errorClass(error),
  })

  /** Tries again what time can heal, while the lock lives: a message that was handled and stays is handled twice. */
  const settle = async (
    { message, settlement }: Taken,
    operation: string,
    act: () => PromiseLike<unknown>,
  ): Promise<void> => {
    const deadline = settlement.lockedUntil.getTime()
    try {
      await retry.run(operation, { signal: NEVER, deadline }, async () => act())
    } catch (error) {
      // The handler settled it: what it decided stays.
      if (isQueueError(error, 'AlreadySettled')) return
      const text = 'A handled message could not be settled and may be delivered again'
      logger.warn(fieldsOf(message, operation, error), text)
    }
  }

  /** The callback is the application's: it may be async, throw, or return anything. */
  const decide = async (error: unknown, message: ReceivedMessage): Promise<Disposition> => {
    try {
      const decided: unknown = await onError?.(error, message)
      if (isDisposition(decided)) return decided
    } catch (thrown) {
      logger.error(fieldsOf(message, 'process', thrown), 'onError threw')
    }
    return byDefault(error, message, stopping.aborted)
  }

  const handleOnce = async (taken: Taken, signal: AbortSignal, session: Context | undefined): Promise<void> => {
    const begunMs = performance.now()
    metrics.handling(1)
    try {
      await tracing.processing(taken.incoming, async () => handler(taken.message, { signal }), session)
    } finally {
      metrics.handling(-1)
      metrics.handlingTook((performance.now() - begunMs) / 1_000)
    }
  }

  /** Until the handler is through, or failed in a way that is not to be held. */
  const handle = async (taken: Taken, signal: AbortSignal, session: Context | undefined): Promise<void> => {
    const { message } = taken
    const pause = makeBackoff()
    for (let isHeld = false; ; isHeld = true) {
      try {
        await handleOnce(taken, signal, session)
        if (isHeld) gate.heal()
        return await settle(taken, 'complete', () => message.complete())
      } catch (error) {
        const disposition = await decide(error, message)
        const fields = { ...fieldsOf(message, 'process', error), disposition: disposition.action }
        logger.warn(fields, 'The handler failed')
        metrics.failed('process', error)
        if (disposition.action !== 'hold') {
          return settle(taken, disposition.action, () => execute(message, disposition, errorClass(error)))
        }
        gate.trip(error)
        await pause.wait(signal, error).catch(() => {})
        if (stopping.aborted) return settle(taken, 'release', () => taken.settlement.release())
        if (signal.aborted) return
      }
    }
  }

  return {
    accept(taken, session) {
      const { message, settlement } = taken
      const over = new AbortController()
      const context = new AbortController()
      const lost = (): void => {
        const code = session === undefined ? 'MessageLockLost' : 'SessionLockLost'
        const place = { queue, operation: 'process', messageId: message.messageId }
        if (!settlement.isSettled) context.abort(new QueueError(code, 'The lock of the message ended.', place))
      }
      const stop = (): void => context.abort(stopping.reason)

      stopping.addEventListener('abort', stop, { once: true })
      if (stopping.aborted) stop()
      session?.lost.addEventListener('abort', lost, { once: true })
      if (session?.lost.aborted) lost()
      const renewUntil = clock.now() + maxAutoRenewMs
      if (session === undefined) {
        keepLock(settlement, { clock, renewUntil: () => renewUntil, signal: over.signal }).then(lost, () => {})
      }

      const end = (): void => {
        over.abort()
        stopping.removeEventListener('abort', stop)
        session?.lost.removeEventListener('abort', lost)
      }
      const release = async (): Promise<void> => {
        end()
        await settle(taken, 'release', () => settlement.release())
      }
      return {
        async run() {
          try {
            // While it waited for its turn its lock may have gone: somebody else has it by now.
            const isLost = context.signal.aborted && !stopping.aborted
            if (!isLost) await handle(taken, context.signal, session?.context)
            return settlement.isDone
          } catch {
            // Whatever a callback or a logger does: it ends here, and the next message can start.
            return settlement.isDone
          } finally {
            end()
          }
        },
        release,
      }
    },
  }
}
