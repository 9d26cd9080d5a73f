import { errorClass, QueueError } from '../base/errors.ts'
import type { Closable } from '../base/options.ts'
import { OVER } from '../base/signals.ts'
import type { ClientParts } from '../client-parts.ts'
import { isPermanent } from '../resilience/backoff.ts'
import type { ConsumeOptions } from './handler.ts'

/**
 * A running loop. `close()` stops pulling, gives back what no handler has begun, waits for the running handlers and takes away
 * what is left after `drainMs`; a handler that awaits it waits for itself until then. It leaves nothing locked.
 */
export interface Consumer extends Closable {
  /** `paused`: an outage stops intake; it resumes by itself. */
  readonly state: 'running' | 'paused' | 'stopping' | 'stopped' | 'failed'
  /** Resolves once the consumer has stopped; rejects on what cannot heal (QueueNotFound, PermissionDenied). */
  readonly finished: Promise<void>
}

/** Something in hand that takes one handler at a time: a message, with those of its session behind it, or a session. Never rejects. */
export interface Task {
  readonly ended: Promise<unknown>
  /** Gives back what is in hand, without waiting for handlers. */
  release(): Promise<void>
}

/** Where the tasks of a consumer come from. */
interface Feed {
  /** Waits a while for something to do, and starts at most `free` tasks. */
  next(free: number, start: (task: Task) => void): Promise<void>
  /** Gives back what no task has. Never rejects. */
  close(): Promise<void>
}

/** Makes the feed of a consumer, which ends with `stopping`. */
export type OpenFeed = (stopping: AbortSignal) => Feed

const DEFAULT_DRAIN_MS = 30_000

export function startConsumer(
  client: ClientParts,
  openFeed: OpenFeed,
  options: ConsumeOptions,
  onStopped: (consumer: Consumer) => void,
): Consumer {
  const { queue, logger, clock, gate, makeBackoff, metrics } = client
  const { concurrency = 1, drainMs = DEFAULT_DRAIN_MS, signal } = options
  const stopping = new AbortController()
  const feed = openFeed(stopping.signal)
  const running = new Set<Task>()
  const fields = { queue_name: queue, operation: 'consume' }
  let state: 'running' | 'stopping' | 'stopped' | 'failed' = 'running'
  let isFailing = false
  let onFree = (): void => {}

  const stop = (): void => {
    if (stopping.signal.aborted) return
    if (state !== 'failed') state = 'stopping'
    stopping.abort(new QueueError('ClientClosed', 'The consumer is closing.', { queue, operation: 'consume' }))
    onFree()
  }

  const start = (task: Task): void => {
    running.add(task)
    void task.ended.finally(() => {
      running.delete(task)
      onFree()
    })
  }

  /** One listener that is replaced: a race over all tasks would leave one behind on each, at every message. */
  const taskEnds = (): Promise<void> =>
    new Promise((resolve) => {
      onFree = resolve
    })

  /** What the broker throws may be something that no waiting heals. */
  const pullAll = async (): Promise<void> => {
    const pause = makeBackoff()
    while (!stopping.signal.aborted) {
      if (running.size >= concurrency) {
        await taskEnds()
        continue
      }
      try {
        await feed.next(concurrency - running.size, start)
        pause.reset()
        isFailing = false
      } catch (error) {
        if (stopping.signal.aborted) return
        metrics.failed('consume', error)
        if (isPermanent(error)) throw error
        isFailing = true
        logger.warn({ ...fields, error_type: errorClass(error) }, 'Receiving failed')
        await pause.wait(stopping.signal, error).catch(() => {})
      }
    }
  }

  /** Waits for the handlers, then takes their messages away from those that did not end in time. */
  const drain = async (): Promise<void> => {
    const ended = new AbortController()
    const tasks = Promise.all(Array.from(running, (task) => task.ended))
    await Promise.race([tasks, clock.sleep(drainMs, ended.signal)])
    ended.abort(OVER)
    if (running.size > 0) {
      const unfinished = { ...fields, drain_ms: drainMs, tasks: running.size }
      logger.warn(unfinished, 'Handlers did not end in time: their messages go back, and may be handled twice')
    }
    await Promise.all(Array.from(running, (task) => task.release()))
  }

  const run = async (): Promise<void> => {
    try {
      await pullAll()
    } catch (error) {
      state = 'failed'
      stop()
      logger.error({ ...fields, error_type: errorClass(error) }, 'The consumer failed')
      throw error
    } finally {
      signal?.removeEventListener('abort', stop)
      await drain()
      if (state !== 'failed') state = 'stopped'
      await feed.close()
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
      const isPaused = isFailing || gate.state === 'open'
      return state === 'running' && isPaused ? 'paused' : state
    },
    finished,
    close,
    [Symbol.asyncDispose]: close,
  }
  return consumer
}
