import type { Clock } from '../base/clock.ts'
import { errorClass, isQueueError, QueueError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import { logFields } from '../message/facts.ts'
import type { Disposition, ReceivedMessage } from '../message/message.ts'
import { backoffMs } from '../resilience/backoff.ts'
import { execute, isDisposition } from '../settling/disposition.ts'

/**
 * Handles one message. Resolved and unsettled: it is completed. Thrown: `onError` decides. The value is ignored. `signal`
 * aborts when the lock of the message ends or the consumer closes: a handler that stops its work for it throws, since one that
 * returns has its message completed.
 */
export type MessageHandler = (
  message: ReceivedMessage,
  context: { readonly signal: AbortSignal },
) => Promise<unknown> | unknown

/** Decides about a message whose handler threw; undefined leaves it to the default. */
export type OnError = (error: unknown, message: ReceivedMessage) => Disposition | undefined

interface HandlingParts {
  readonly queue: string
  readonly handler: MessageHandler
  readonly onError: OnError | undefined
  readonly logger: Logger
  readonly clock: Clock
  /** Aborts when the consumer closes. */
  readonly stopping: AbortSignal
}

/** Takes one message through the application to its settlement. */
export interface Handling {
  handle(message: ReceivedMessage): Promise<void>
  /** Gives back what its handler did not settle in time. */
  release(message: ReceivedMessage): Promise<void>
}

/** A body that is not what the handler expects does not become it by trying again. */
const byDefault = (error: unknown, message: ReceivedMessage): Disposition =>
  isQueueError(error, 'InvalidBody') && error.messageId === message.messageId
    ? { action: 'dead-letter', reason: 'qr.invalid-body' }
    : { action: 'abandon', delayMs: backoffMs(message.deliveryCount) }

const lockLost = (queue: string, { messageId }: ReceivedMessage): QueueError =>
  new QueueError('MessageLockLost', 'The lock of the message ended.', { queue, operation: 'process', messageId })

export function createHandling(parts: HandlingParts): Handling {
  const { queue, handler, onError, logger, clock, stopping } = parts

  const settle = async (
    message: ReceivedMessage,
    operation: string,
    act: () => PromiseLike<unknown>,
  ): Promise<void> => {
    try {
      await act()
    } catch (error) {
      // The handler settled it: what it decided stays.
      if (isQueueError(error, 'AlreadySettled')) return
      const fields = { ...logFields(queue, operation, message), error_type: errorClass(error) }
      logger.warn(fields, 'A handled message could not be settled and may be delivered again')
    }
  }

  /** The callback is the application's: it may be async, throw, or return anything. */
  const decide = async (error: unknown, message: ReceivedMessage): Promise<Disposition> => {
    try {
      const decided: unknown = await onError?.(error, message)
      if (isDisposition(decided)) return decided
    } catch (thrown) {
      logger.error({ ...logFields(queue, 'process', message), error_type: errorClass(thrown) }, 'onError threw')
    }
    return byDefault(error, message)
  }

  const fail = async (message: ReceivedMessage, error: unknown): Promise<void> => {
    const disposition = await decide(error, message)
    const fields = { ...logFields(queue, 'process', message), error_type: errorClass(error) }
    logger.warn({ ...fields, disposition: disposition.action }, 'The handler failed; onError is given what it threw')
    await settle(message, disposition.action, () => execute(message, disposition, errorClass(error)))
  }

  /** Resolves when the lock has ended; rejects when the signal aborts. A renewed lock is waited for anew. */
  const lockEnds = async (message: ReceivedMessage, handled: AbortSignal): Promise<void> => {
    for (let left = Number.POSITIVE_INFINITY; left > 0; ) {
      left = message.lockedUntil.getTime() - clock.now()
      if (left > 0) await clock.sleep(left, handled)
    }
  }

  return {
    async handle(message) {
      const handled = new AbortController()
      const context = new AbortController()
      const onStop = (): void => context.abort(stopping.reason)
      if (stopping.aborted) onStop()
      stopping.addEventListener('abort', onStop, { once: true })
      const watching = lockEnds(message, handled.signal).then(
        () => context.abort(lockLost(queue, message)),
        () => {},
      )
      try {
        await handler(message, { signal: context.signal })
        await settle(message, 'complete', () => message.complete())
      } catch (error) {
        await fail(message, error)
      } finally {
        handled.abort()
        stopping.removeEventListener('abort', onStop)
        await watching
      }
    },
    release: (message) => settle(message, 'release', () => message[Symbol.asyncDispose]()),
  }
}
