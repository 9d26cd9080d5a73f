import { systemClock } from './base/clock.ts'
import { isQueueError, locate, QueueError } from './base/errors.ts'
import { resolveLogger } from './base/logger.ts'
import type { CallOptions } from './base/options.ts'
import { linkSignals } from './base/signals.ts'
import { createWork } from './base/work.ts'
import {
  checkBatch,
  checkCall,
  checkClientOptions,
  checkPass,
  checkWait,
  type QueueClientOptions,
} from './client-options.ts'
import { type Consumer, checkConsume, startConsumer } from './consuming/consumer.ts'
import { noProtection } from './contracts/no-protection.ts'
import type { MessageProtection, QueueContext, QueueProtection } from './contracts/protection.ts'
import type { QueueTransport } from './contracts/transport.ts'
import { readDeadLetters } from './dead-letters/dead-letters.ts'
import type { QueueClient } from './queue-client.ts'
import { withDelayedAbandon } from './receiving/delayed-abandon.ts'
import { createPuller, type Puller } from './receiving/intake.ts'
import { createJudge } from './receiving/judge.ts'
import { createReceiver, DEFAULT_WAIT_MS } from './receiving/receiver.ts'
import { createRejecting } from './receiving/rejecting.ts'
import { createSender } from './sending/sender.ts'
import { createUnsettled } from './settling/unsettled.ts'
import { clientMetrics, lateMeter } from './telemetry/telemetry.ts'

/** A protection that refuses its configuration must not leave the transport behind. */
const openProtection = (
  crypto: MessageProtection,
  context: QueueContext,
  transport: QueueTransport,
): QueueProtection => {
  try {
    return crypto.open(context)
  } catch (error) {
    transport.close().catch(() => {})
    throw error
  }
}

const signalOf = ({ signal }: CallOptions): AbortSignal => signal ?? new AbortController().signal

/**
 * Returns the client of one queue. Nothing connects until the first call.
 *
 * @throws Configuration, Validation: an option is missing, unknown or wrong; it is named
 * @example
 * const client = createQueueClient({ provider: memoryProvider(), queue: 'orders', crypto: messageCrypto({ enabled: true, keyProvider }) })
 */
export function createQueueClient(options: QueueClientOptions): QueueClient {
  checkClientOptions(options)
  const { provider, queue, maxDeliveries, onRejected, clock = systemClock } = options
  const logger = resolveLogger(options.logger)
  const meter = lateMeter(options.meterProvider)
  const metrics = clientMetrics(meter, queue)
  const transport = provider.open(queue)
  const context: QueueContext = { queue, lockMs: transport.lockMs, maxDeliveries, logger, meter, clock }
  const protection = openProtection(options.crypto ?? noProtection, context, transport)

  const closing = new AbortController()
  const consumers = new Set<Consumer>()
  const unsettled = createUnsettled(clock)
  const work = createWork()
  const sender = createSender({
    ...{ queue, providerName: provider.name, transport, protection, metrics },
    closing: closing.signal,
  })
  const inBackground = (task: Promise<unknown>): void => void work.track(task)
  const source = transport.features.abandonDelay
    ? transport
    : withDelayedAbandon(transport, { clock, signal: closing.signal, inBackground })
  const puller = createPuller({
    queue,
    source,
    judge: createJudge({ queue, protection, maxDeliveries, clock }),
    reject: createRejecting(queue, logger, onRejected),
    metrics,
    clock,
    unsettled,
    inBackground,
  })
  const tracked: Puller = { pull: (pullOptions) => work.track(puller.pull(pullOptions)) }
  const receiver = createReceiver(tracked, clock)

  const assertOpen = (): void => closing.signal.throwIfAborted()

  /** Errors of parts that do not know the queue are told where they happened; the reason of an abort is the caller's own. */
  const located = async <T>(operation: string, signal: AbortSignal, call: () => Promise<T>): Promise<T> => {
    try {
      return await call()
    } catch (error) {
      const isOurs = isQueueError(error) && error !== signal.reason
      throw isOurs ? locate(error, { queue, operation }) : error
    }
  }

  const receiveBatch = async (
    maxMessages: number,
    waitMs: number,
    signal: AbortSignal | undefined,
  ): ReturnType<QueueClient['receiveBatch']> => {
    const linked = linkSignals(closing.signal, signal)
    try {
      linked.signal.throwIfAborted()
      return await located('receive', linked.signal, () =>
        receiver.receiveBatch({ maxMessages, waitMs, signal: linked.signal }),
      )
    } finally {
      linked.unlink()
    }
  }

  /** Iterates with a signal that ends with the client. */
  async function* iterate<T>(
    signal: AbortSignal | undefined,
    start: (signal: AbortSignal) => AsyncIterable<T>,
  ): AsyncGenerator<T, void, undefined> {
    assertOpen()
    const linked = linkSignals(closing.signal, signal)
    try {
      yield* start(linked.signal)
    } finally {
      linked.unlink()
    }
  }

  const close = async (): Promise<void> => {
    closing.abort(new QueueError('ClientClosed', 'The client is closed.', { queue }))
    await Promise.all([...consumers].map((consumer) => consumer.close()))
    await work.ended()
    await unsettled.release()
    await transport.close()
  }
  let closed: Promise<void> | undefined
  const closeOnce = (): Promise<void> => {
    closed ??= close()
    return closed
  }

  return {
    queue,
    async send(message, call = {}) {
      checkCall(call)
      assertOpen()
      const signal = signalOf(call)
      return work.track(located('send', signal, () => sender.send(message, signal)))
    },
    async sendBatch(messages, call = {}) {
      checkCall(call)
      assertOpen()
      const signal = signalOf(call)
      return work.track(located('sendBatch', signal, () => sender.sendBatch(messages, signal)))
    },
    async receive(wait = {}) {
      checkWait(wait)
      const { messages } = await receiveBatch(1, wait.waitMs ?? DEFAULT_WAIT_MS, wait.signal)
      return messages[0] ?? null
    },
    async receiveBatch(batch = {}) {
      checkBatch(batch)
      return receiveBatch(batch.maxMessages ?? 10, batch.waitMs ?? DEFAULT_WAIT_MS, batch.signal)
    },
    messages(call = {}) {
      checkCall(call)
      return iterate(call.signal, (signal) => receiver.messages(signal))
    },
    consume(handler, consumeOptions = {}) {
      checkConsume(handler, consumeOptions)
      assertOpen()
      const onStopped = (consumer: Consumer): void => void consumers.delete(consumer)
      const consumer = startConsumer({ queue, puller: tracked, logger, clock, onStopped }, handler, consumeOptions)
      consumers.add(consumer)
      return consumer
    },
    deadLetters() {
      assertOpen()
      const open = transport.deadLetters?.bind(transport)
      if (open === undefined) {
        throw new QueueError('Unsupported', 'The provider cannot read dead letters.', {
          facts: { feature: 'dead-letter' },
          queue,
        })
      }
      return {
        messages(pass = {}) {
          checkPass(pass)
          const { maxMessages = Number.POSITIVE_INFINITY } = pass
          return iterate(pass.signal, (signal) =>
            readDeadLetters({ queue, receiver: open(), protection, unsettled, maxMessages, signal }),
          )
        },
      }
    },
    close: closeOnce,
    [Symbol.asyncDispose]: closeOnce,
  }
}
