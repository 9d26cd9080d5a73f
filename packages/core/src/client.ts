import { isQueueError, locate, QueueError } from './base/errors.ts'
import { checkNode } from './base/node-version.ts'
import type { CallOptions } from './base/options.ts'
import { linkSignals } from './base/signals.ts'
import {
  checkAccept,
  checkCall,
  checkClientOptions,
  checkPass,
  checkRedrive,
  type QueueClientOptions,
} from './client-options.ts'
import { type Consumer, startConsumer } from './consuming/consumer.ts'
import { checkConsume, checkProcess } from './consuming/handler.ts'
import { createHandling } from './consuming/handling.ts'
import { messageFeed } from './consuming/message-feed.ts'
import { processDeliveries } from './consuming/process.ts'
import { sessionFeed } from './consuming/session-feed.ts'
import { readDeadLetters } from './dead-letters/pass.ts'
import { redriveAll } from './dead-letters/redrive.ts'
import { openClient } from './open-client.ts'
import type { QueueClient } from './queue-client.ts'
import { createQueueReceiver, iterateUntil, type Located } from './receiving/queue-receiver.ts'
import { DEFAULT_WAIT_MS } from './receiving/receiver.ts'
import { openSource } from './receiving/source.ts'
import { createTurn } from './receiving/turn.ts'
import { createSender } from './sending/sender.ts'
import { createSession } from './sessions/session.ts'
import { createSessions } from './sessions/sessions.ts'
import { outsideSpan } from './telemetry/tracing.ts'

const signalOf = ({ signal }: CallOptions): AbortSignal => signal ?? new AbortController().signal

/**
 * Returns the client of one queue. Nothing connects until the first call.
 *
 * @throws Configuration, Validation: an option is missing, unknown or wrong; it is named
 * @example
 * const client = createQueueClient({ provider: memoryProvider(), queue: 'orders', crypto: messageCrypto({ enabled: true, keyProvider }) })
 */
export function createQueueClient(options: QueueClientOptions): QueueClient {
  checkNode()
  checkClientOptions(options)
  const { queue } = options
  const closing = new AbortController()
  const { parts, transport } = openClient(options, closing.signal)
  const { work, metrics, gate, retry } = parts
  const { features } = transport
  const sender = createSender(parts, transport)
  const turn = createTurn(parts.clock)
  const source = openSource(parts, { receiver: transport, features, isOrdered: false, closing: closing.signal, turn })
  const sessions = createSessions(parts, transport)
  const consumers = new Set<Consumer>()

  const assertOpen = (): void => closing.signal.throwIfAborted()

  /** Errors of parts that do not know the queue are told where they happened; the reason of an abort is the caller's own. */
  const located: Located = async (operation, signal, call) => {
    try {
      return await call()
    } catch (error) {
      if (signal.aborted && error === signal.reason) throw error
      metrics.failed(operation, error)
      throw isQueueError(error) ? locate(error, { queue, operation }) : error
    }
  }

  /** A call that ends with the client. */
  const call = async <T>(
    operation: string,
    given: CallOptions,
    run: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> => {
    const linked = linkSignals(closing.signal, given.signal)
    try {
      linked.signal.throwIfAborted()
      return await work.track(located(operation, linked.signal, () => run(linked.signal)))
    } finally {
      linked.unlink()
    }
  }

  const unsupported = (feature: string, text: string): QueueError =>
    new QueueError('Unsupported', text, { facts: { feature }, queue })

  const close = async (): Promise<void> => {
    closing.abort(new QueueError('ClientClosed', 'The client is closed.', { queue }))
    await Promise.all(Array.from(consumers, (consumer) => consumer.close()))
    await sessions.close()
    await work.ended()
    await source.close()
  }
  let closed: Promise<void> | undefined
  const closeOnce = (): Promise<void> => {
    closed ??= close()
    return closed
  }

  return {
    queue,
    ...createQueueReceiver({ source, located, closing: closing.signal }),
    async send(message, given = {}) {
      checkCall(given)
      assertOpen()
      const signal = signalOf(given)
      return work.track(located('send', signal, () => sender.send(message, signal)))
    },
    async sendBatch(messages, given = {}) {
      checkCall(given)
      assertOpen()
      const signal = signalOf(given)
      return work.track(located('sendBatch', signal, () => sender.sendBatch(messages, signal)))
    },
    consume(handler, given = {}) {
      checkConsume(handler, given)
      assertOpen()
      const makeHandling = (stopping: AbortSignal) => createHandling(parts, { handler, options: given, stopping })
      const bySession = given.sessions === true && sessions.areSupported
      const feed = bySession
        ? sessionFeed(parts, { sessions, makeHandling, options: given })
        : messageFeed(parts, { transport, turn, makeHandling, options: given })
      // A consumer outlives whoever started it, and the span that they were in.
      const consumer = outsideSpan(() => startConsumer(parts, feed, given, (stopped) => consumers.delete(stopped)))
      consumers.add(consumer)
      return consumer
    },
    async process(deliveries, handler, given = {}) {
      checkProcess(deliveries, handler, given)
      await call('process', given, (signal) =>
        processDeliveries(parts, { deliveries, handler, options: { ...given, signal } }),
      )
    },
    async acceptSession(given = {}) {
      checkAccept(given)
      const { sessionId, waitMs = DEFAULT_WAIT_MS } = given
      return call('acceptSession', given, async (signal) => {
        const deadline = parts.clock.now() + waitMs
        const held = await retry.run('acceptSession', { signal, deadline }, (each) =>
          sessions.accept({ sessionId, waitMs: Math.max(0, deadline - parts.clock.now()), signal: each }),
        )
        return held && createSession(held, located)
      })
    },
    deadLetters() {
      assertOpen()
      const open = transport.deadLetters?.bind(transport)
      if (open === undefined) throw unsupported('dead-letter', 'The provider cannot read dead letters.')
      const pass = (maxMessages: number, signal: AbortSignal) =>
        readDeadLetters({ client: parts, receiver: open(), sender, unsettled: source.unsettled, maxMessages, signal })
      return {
        messages(given = {}) {
          checkPass(given)
          const { maxMessages = Number.POSITIVE_INFINITY } = given
          return iterateUntil(closing.signal, given.signal, (signal) => pass(maxMessages, signal))
        },
        async redrive(given = {}) {
          checkRedrive(given)
          return call('redrive', given, (signal) =>
            redriveAll(parts, pass(Number.POSITIVE_INFINITY, signal), given, signal),
          )
        },
      }
    },
    async health(given = {}) {
      checkCall(given)
      const { probe } = transport
      if (probe === undefined) throw unsupported('health', 'The provider cannot be probed.')
      return call('health', given, async (signal) => {
        const { depth } = await probe.call(transport, { signal })
        if (depth !== undefined) metrics.depth(depth)
        // The broker answers, and nothing is handled: whoever asks wants to know why. A gate that is half open waits for calls,
        // which a service that says it is ill may never get.
        if (gate.state === 'open') throw gate.outage
        return { depth }
      })
    },
    close: closeOnce,
    [Symbol.asyncDispose]: closeOnce,
  }
}
