import { checkOptions, misconfigured, option } from '../base/check.ts'
import type { Clock } from '../base/clock.ts'
import { errorClass, QueueError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { CallOptions, Closable, Options } from '../base/options.ts'
import type { ReceivedMessage } from '../message/message.ts'
import type { Puller } from '../receiving/intake.ts'
import { DEFAULT_WAIT_MS } from '../receiving/receiver.ts'
import { backoff, isPermanent, retryAfterOf } from '../resilience/backoff.ts'
import { createHandling, type MessageHandler, type OnError } from './handling.ts'

/**
 * - `concurrency`: handlers at once. Default 1
 * - `onError`: what becomes of a message whose handler threw; undefined: a body that is not what the handler expected
 *   (`InvalidBody`) is dead-lettered, everything else is abandoned with a growing delay
 * - `drainMs`: how long `close()` waits for running handlers, in milliseconds. Default 30 000
 * - `signal`: closes the consumer when it aborts
 */
export interface ConsumeOptions
  extends CallOptions,
    Options<{ concurrency: number; drainMs: number; onError: OnError }> {}

/**
 * A running loop. `close()` stops pulling, waits for the running handlers and releases what is left after `drainMs`; a handler
 * that awaits it waits for itself until then.
 */
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

export function startConsumer(parts: ConsumerParts, handler: MessageHandler, options: ConsumeOptions): Consumer {
  const { queue, puller, logger, clock, onStopped } = parts
  const { concurrency = 1, drainMs = DEFAULT_DRAIN_MS, onError, signal } = options
  const stopping = new AbortController()
  const handling = createHandling({ queue, handler, onError, logger, clock, stopping: stopping.signal })
  const running = new Map<Promise<void>, ReceivedMessage>()
  const fields = { queue_name: queue, operation: 'consume' }
  let state: Consumer['state'] = 'running'
  let onFree = (): void => {}

  const stop = (): void => {
    if (stopping.signal.aborted) return
    if (state !== 'failed') state = 'stopping'
    stopping.abort(new QueueError('ClientClosed', 'The consumer is closing.', { queue, operation: 'consume' }))
    onFree()
  }

  /** Whatever a handler, a callback or a logger does: it ends here, and the next message can start. */
  const start = (message: ReceivedMessage): void => {
    const work = handling
      .handle(message)
      .catch(() => handling.release(message))
      .catch(() => {})
      .finally(() => {
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

  const pullOnce = async (): Promise<unknown> => {
    const maxMessages = concurrency - running.size
    const intake = await puller.pull({ maxMessages, waitMs: DEFAULT_WAIT_MS, signal: stopping.signal })
    for (const message of intake.messages) start(message)
    return intake.outage
  }

  /** A held message is an outage whatever its error is; what the broker throws may be one that no waiting heals. */
  const pullAll = async (): Promise<void> => {
    const pause = backoff(clock)
    while (!stopping.signal.aborted) {
      if (running.size >= concurrency) {
        await handlerEnds()
        continue
      }
      const outage = await pullOnce().catch((error: unknown) => {
        if (!stopping.signal.aborted && isPermanent(error)) throw error
        return error
      })
      if (stopping.signal.aborted) return
      state = outage === undefined ? 'running' : 'paused'
      if (outage === undefined) {
        pause.reset()
        continue
      }
      logger.warn({ ...fields, error_type: errorClass(outage) }, 'Intake pauses')
      await pause.wait(stopping.signal, retryAfterOf(outage)).catch(() => {})
    }
  }

  /** Waits for the handlers, then takes their messages away from those that did not end in time. */
  const drain = async (): Promise<void> => {
    const ended = new AbortController()
    await Promise.race([Promise.all(running.keys()), clock.sleep(drainMs, ended.signal)])
    ended.abort()
    await Promise.all([...running.values()].map(handling.release))
  }

  const run = async (): Promise<void> => {
    try {
      await pullAll()
      await drain()
      state = 'stopped'
    } catch (error) {
      state = 'failed'
      stop()
      logger.error({ ...fields, error_type: errorClass(error) }, 'The consumer failed')
      await drain()
      throw error
    } finally {
      signal?.removeEventListener('abort', stop)
      onStopped(consumer)
    }
  }

  if (signal?.aborted) stop()
  else signal?.addEventListener('abort', stop, { once: true })

  const finished = Promise.resolve().then(run)
  // Whoever does not look at `finished` has the line in the log; Node must not end the process for it.
  finished.catch(() => {})
  const close = async (): Promise<void> => {
    stop()
    await finished.catch(() => {})
  }
  const consumer: Consumer = {
    get state() {
      return state
    },
    finished,
    close,
    [Symbol.asyncDispose]: close,
  }
  return consumer
}
