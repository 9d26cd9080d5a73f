import { backoff, backoffMs } from './backoff.ts'
import { checkOptions, misconfigured, option } from './check.ts'
import type { Clock } from './clock.ts'
import { errorClass, isQueueError, QueueError } from './errors.ts'
import { logFields } from './facts.ts'
import type { Puller } from './intake.ts'
import type { Logger } from './logger.ts'
import type { Disposition, ReceivedMessage } from './message.ts'
import type { CallOptions, Closable, Options } from './options.ts'
import { DEFAULT_WAIT_MS } from './receiver.ts'

/**
 * Handles one message. Resolved and unsettled: it is completed. Thrown: `onError` decides. The value is ignored. `signal`
 * aborts when the lock of the message ends or the consumer closes.
 */
export type MessageHandler = (
  message: ReceivedMessage,
  context: { readonly signal: AbortSignal },
) => Promise<unknown> | unknown

/**
 * - `concurrency`: handlers at once. Default 1
 * - `onError`: what becomes of a message whose handler threw; undefined: a body that is not what the handler expected
 *   (`InvalidBody`) is dead-lettered, everything else is abandoned with a growing delay
 * - `drainMs`: how long `close()` waits for running handlers, in milliseconds. Default 30 000
 * - `signal`: closes the consumer when it aborts
 */
export interface ConsumeOptions
  extends CallOptions,
    Options<{
      concurrency: number
      drainMs: number
      onError: (error: unknown, message: ReceivedMessage) => Disposition | undefined
    }> {}

/** A running loop. `close()` stops pulling, waits for the running handlers and releases what is left. */
export interface Consumer extends Closable {
  readonly state: 'running' | 'paused' | 'stopping' | 'stopped' | 'failed'
  /** Resolves once the consumer has stopped; rejects on what cannot heal (QueueNotFound, PermissionDenied). */
  readonly finished: Promise<void>
}

/** @throws Configuration with the name of the option */
export function checkConsume(handler: MessageHandler, options: ConsumeOptions): void {
  if (typeof handler !== 'function') throw misconfigured('handler', 'must be a function.')
  checkOptions(options, {
    concurrency: option.wholeNumber(1),
    drainMs: option.wholeNumber(0),
    onError: option.callback,
    signal: option.signal,
  })
}

interface ConsumerParts {
  readonly queue: string
  readonly puller: Puller
  readonly logger: Logger
  readonly clock: Clock
  readonly onStopped: (consumer: Consumer) => void
}

const DEFAULT_DRAIN_MS = 30_000

const afterError = (error: unknown, message: ReceivedMessage): Disposition =>
  isQueueError(error, 'InvalidBody')
    ? { action: 'dead-letter', reason: 'qr.invalid-body' }
    : { action: 'abandon', delayMs: backoffMs(message.deliveryCount) }

const lockLost = (queue: string, { messageId }: ReceivedMessage): QueueError =>
  new QueueError('MessageLockLost', 'The lock of the message ended.', { queue, operation: 'process', messageId })

/** Acts on a disposition through the message itself, so that what the handler settled stays settled. */
const execute = async (message: ReceivedMessage, disposition: Disposition, description: string): Promise<void> => {
  switch (disposition.action) {
    case 'complete':
      return message.complete()
    case 'abandon':
      return message.abandon({ delayMs: disposition.delayMs })
    case 'dead-letter':
      return message.deadLetter({ reason: disposition.reason, description })
    case 'hold':
      return
  }
}

export function startConsumer(parts: ConsumerParts, handler: MessageHandler, options: ConsumeOptions): Consumer {
  const { queue, puller, logger, clock, onStopped } = parts
  const { concurrency = 1, drainMs = DEFAULT_DRAIN_MS, onError, signal } = options
  const stopping = new AbortController()
  const running = new Map<Promise<void>, ReceivedMessage>()
  let state: Consumer['state'] = 'running'

  const stop = (): void => {
    if (stopping.signal.aborted) return
    if (state !== 'failed') state = 'stopping'
    stopping.abort(new QueueError('ClientClosed', 'The consumer is closing.', { queue, operation: 'consume' }))
  }

  const settle = async (message: ReceivedMessage, operation: string, act: () => PromiseLike<void>): Promise<void> => {
    try {
      await act()
    } catch (error) {
      // The handler settled it, or the lock is gone: either way the message is no longer ours to decide on.
      if (isQueueError(error, 'AlreadySettled')) return
      const fields = { ...logFields(queue, operation, message), error_type: errorClass(error) }
      logger.warn(fields, 'A handled message could not be settled and may be delivered again')
    }
  }

  const decide = (error: unknown, message: ReceivedMessage): Disposition => {
    try {
      return onError?.(error, message) ?? afterError(error, message)
    } catch (thrown) {
      logger.error({ ...logFields(queue, 'process', message), error_type: errorClass(thrown) }, 'onError threw')
      return afterError(error, message)
    }
  }

  const fail = async (message: ReceivedMessage, error: unknown): Promise<void> => {
    const disposition = decide(error, message)
    const fields = { ...logFields(queue, 'process', message), error_type: errorClass(error) }
    logger.warn({ ...fields, disposition: disposition.action }, 'The handler failed')
    await settle(message, disposition.action, () => execute(message, disposition, errorClass(error)))
  }

  /** Resolves when the lock has ended; rejects when the signal aborts. A renewed lock is waited for anew. */
  const lockEnds = async (message: ReceivedMessage, handled: AbortSignal): Promise<void> => {
    for (let left = Number.POSITIVE_INFINITY; left > 0; ) {
      left = message.lockedUntil.getTime() - clock.now()
      if (left > 0) await clock.sleep(left, handled)
    }
  }

  const handle = async (message: ReceivedMessage): Promise<void> => {
    const handled = new AbortController()
    const context = new AbortController()
    const onStop = (): void => context.abort(stopping.signal.reason)
    stopping.signal.addEventListener('abort', onStop, { once: true })
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
      stopping.signal.removeEventListener('abort', onStop)
      await watching
    }
  }

  let onFree = (): void => {}

  const start = (message: ReceivedMessage): void => {
    const work = handle(message).finally(() => {
      running.delete(work)
      onFree()
    })
    running.set(work, message)
  }

  /** One listener that is replaced: a race over all handlers would leave one behind on each, at every message. */
  const handlerEnds = (): Promise<void> =>
    new Promise((resolve) => {
      onFree = resolve
    })

  const pullAll = async (): Promise<void> => {
    const pause = backoff(clock)
    while (!stopping.signal.aborted) {
      if (running.size >= concurrency) {
        await handlerEnds()
        continue
      }
      try {
        const free = concurrency - running.size
        const intake = await puller.pull({ maxMessages: free, waitMs: DEFAULT_WAIT_MS, signal: stopping.signal })
        for (const message of intake.messages) start(message)
        if (intake.outage !== undefined) throw intake.outage
        pause.reset()
        state = 'running'
      } catch (error) {
        if (stopping.signal.aborted) return
        if (!isQueueError(error) || !error.isTransient) throw error
        state = 'paused'
        logger.warn({ queue_name: queue, operation: 'consume', error_type: error.code }, 'Intake pauses')
        await pause.wait(stopping.signal, error.retryAfterMs).catch(() => {})
      }
    }
  }

  /** Waits for the handlers, then takes their messages away from those that did not end in time. */
  const drain = async (): Promise<void> => {
    const late = new AbortController()
    const ended = Promise.all(running.keys())
    await Promise.race([ended, clock.sleep(drainMs, late.signal)])
    late.abort()
    await Promise.all(
      [...running.values()].map((message) => settle(message, 'release', () => message[Symbol.asyncDispose]())),
    )
  }

  const run = async (): Promise<void> => {
    try {
      await pullAll()
      await drain()
      state = 'stopped'
    } catch (error) {
      state = 'failed'
      stop()
      logger.error({ queue_name: queue, operation: 'consume', error_type: errorClass(error) }, 'The consumer failed')
      await drain()
      throw error
    } finally {
      signal?.removeEventListener('abort', stop)
      onStopped(consumer)
    }
  }

  if (signal?.aborted) stop()
  else signal?.addEventListener('abort', stop, { once: true })

  const close = async (): Promise<void> => {
    stop()
    await consumer.finished.catch(() => {})
  }
  const begun = Promise.resolve().then(run)
  // Whoever does not look at `finished` has the line in the log; Node must not end the process for it.
  begun.catch(() => {})
  const consumer: Consumer = {
    get state() {
      return state
    },
    finished: begun,
    close,
    [Symbol.asyncDispose]: close,
  }
  return consumer
}
