import type { Context } from '@opentelemetry/api'
import { errorClass, isQueueError } from '../base/errors.ts'
import { linkSignals, OVER } from '../base/signals.ts'
import type { ClientParts } from '../client-parts.ts'
import { logFields } from '../message/facts.ts'
import type { Disposition, ReceivedMessage } from '../message/message.ts'
import type { Taken } from '../receiving/taking.ts'
import { backoffMs, isPermanent } from '../resilience/backoff.ts'
import { execute, isDisposition } from '../settling/disposition.ts'
import { DEFAULT_RENEW_MS } from '../settling/keep-lock.ts'
import type { MessageHandler, ProcessOptions } from './handler.ts'
import { type KeptLock, keep } from './kept-lock.ts'

/** What became of a message: it left the queue, went back to it, or is locked until its lock ends. */
export type Outcome = 'done' | 'returned' | 'kept'

/** One message on its way through the application, from the moment it is in hand: its lock is kept while it waits, too. */
export interface Job {
  /** Runs the handler to the settlement; one whose turn comes when its lock is gone or the consumer stops is not run. Never rejects. */
  run(): Promise<Outcome>
  /** Gives the message back where it is not settled yet. Never rejects. */
  release(): Promise<void>
}

/** The session that a message came in: whoever holds it keeps its lock. */
interface Place {
  readonly lock: KeptLock
  readonly context: Context
}

/** Takes messages through the application. */
export interface Handling {
  accept(taken: Taken, place?: Place): Job
}

interface HandlingParts {
  readonly handler: MessageHandler
  readonly options: ProcessOptions
  /** Aborts when the consumer closes. */
  readonly stopping: AbortSignal
}

/** A message in hand. */
interface InHand extends Taken {
  readonly context: Context | undefined
  /** The handler's: aborts when `gone` does, and when the consumer closes. */
  readonly signal: AbortSignal
  /** Aborts when the lock is lost or the message was taken away: nothing can be settled any more. */
  readonly gone: AbortSignal
}

const outcomeOf = ({ settlement: { isDone, isSettled } }: Taken): Outcome =>
  isDone ? 'done' : isSettled ? 'returned' : 'kept'

export function createHandling(client: ClientParts, { handler, options, stopping }: HandlingParts): Handling {
  const { queue, logger, clock, gate, retry, makeBackoff, metrics, tracing } = client
  const { onError, maxAutoRenewMs: renewMs = DEFAULT_RENEW_MS } = options

  const fieldsOf = (message: ReceivedMessage, operation: string, error: unknown): Record<string, unknown> => ({
    ...logFields(queue, operation, message),
    error_type: errorClass(error),
  })

  /** A handler that stops because it was told to has not failed. */
  const delayMs = ({ deliveryCount }: ReceivedMessage): number => (stopping.aborted ? 0 : backoffMs(deliveryCount))

  /** A body that is not what the handler expects does not become it by trying again. */
  const byDefault = (error: unknown, message: ReceivedMessage): Disposition =>
    isQueueError(error, 'InvalidBody') && error.messageId === message.messageId
      ? { action: 'dead-letter', reason: 'qr.invalid-body' }
      : { action: 'abandon', delayMs: delayMs(message) }

  /** The callback is the application's: it may be async, throw, or return anything. */
  const decide = async (error: unknown, message: ReceivedMessage): Promise<Disposition> => {
    try {
      const decided: unknown = await onError?.(error, message)
      if (isDisposition(decided)) return decided
      if (decided !== undefined) {
        logger.error(
          logFields(queue, 'process', message),
          'onError returned what is no disposition; the default applies',
        )
      }
    } catch (thrown) {
      logger.error(fieldsOf(message, 'process', thrown), 'onError threw')
    }
    return byDefault(error, message)
  }

  /** Resolves with what it threw, in a box since that may be anything; with null where it resolved. */
  const callHandler = async ({ message, incoming, signal, context }: InHand): Promise<{ error: unknown } | null> => {
    const begunMs = performance.now()
    metrics.handling(1)
    try {
      await tracing.processing(incoming, async () => handler(message, { signal }), context)
      return null
    } catch (error) {
      return { error }
    } finally {
      metrics.handling(-1)
      metrics.handlingTook((performance.now() - begunMs) / 1_000)
    }
  }

  /** Tries again what time can heal, until the lock is gone: a message that was handled and comes again is handled twice. */
  const settle = async (
    { message, settlement, gone }: InHand,
    operation: string,
    act: () => PromiseLike<unknown>,
  ): Promise<void> => {
    const pause = makeBackoff()
    for (;;) {
      try {
        await act()
        return
      } catch (error) {
        // What the handler decided stays; it may not have waited for it.
        if (isQueueError(error, 'AlreadySettled')) return settlement.release().catch(() => {})
        const isOver = isPermanent(error) || gone.aborted
        const text = isOver ? 'A message could not be settled and may come again' : 'Settling failed: trying again'
        logger.warn(fieldsOf(message, operation, error), text)
        if (isOver) return
        await pause.wait(gone, error).catch(() => {})
      }
    }
  }

  /** Until the handler is through, or failed in a way that is not to be held. */
  const handle = async (inHand: InHand): Promise<void> => {
    const { message, settlement, signal } = inHand
    const pause = makeBackoff()
    for (let isHeld = false; !signal.aborted; isHeld = true) {
      const failure = await callHandler(inHand)
      if (failure === null) {
        if (isHeld) gate.heal()
        return settle(inHand, 'complete', () => message.complete())
      }
      const { error } = failure
      const disposition = await decide(error, message)
      const { action } = disposition
      logger.warn({ ...fieldsOf(message, 'process', error), disposition: action }, 'The handler failed')
      metrics.failed('process', error)
      if (action !== 'hold') return settle(inHand, action, () => execute(message, disposition, errorClass(error)))
      if (signal.aborted || !settlement.isOpen) return
      gate.trip(error)
      await pause.wait(signal, error).catch(() => {})
    }
  }

  return {
    accept(taken, place) {
      const { message, settlement } = taken
      const location = { queue, operation: 'process', messageId: message.messageId }
      const lock = place?.lock ?? keep(settlement, { clock, renewMs, code: 'MessageLockLost', location })
      const released = new AbortController()
      const gone = linkSignals(lock.gone, released.signal)
      const linked = linkSignals(gone.signal, stopping)
      const inHand: InHand = { ...taken, context: place?.context, signal: linked.signal, gone: gone.signal }

      /** The lock may have ended a moment ago, and nobody noticed yet. */
      const isInHand = (): boolean =>
        settlement.isOpen && !gone.signal.aborted && lock.lockedUntil.getTime() > clock.now()

      const end = (): void => {
        if (place === undefined) lock.stop()
        gone.unlink()
        linked.unlink()
      }

      return {
        async run() {
          lock.restart()
          if (isInHand()) {
            await handle(inHand).catch((error: unknown) => {
              logger.error(fieldsOf(message, 'process', error), 'Handling failed')
            })
          }
          // Not started, held until the end, or not to be settled as was decided: it goes back while that is possible.
          if (isInHand()) await settle(inHand, 'abandon', () => settlement.abandon({ delayMs: delayMs(message) }))
          end()
          return outcomeOf(taken)
        },
        async release() {
          released.abort(OVER)
          end()
          const limits = { signal: new AbortController().signal, deadline: lock.lockedUntil.getTime() }
          await retry
            .run('release', limits, () => settlement.release())
            .catch((error: unknown) => {
              logger.warn(fieldsOf(message, 'release', error), 'A message could not be given back')
            })
        },
      }
    },
  }
}
