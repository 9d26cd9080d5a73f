import { linkSignals } from '../base/signals.ts'
import { checkBatch, checkCall, checkWait } from '../client-options.ts'
import type { QueueReceiver } from '../queue-client.ts'
import { DEFAULT_WAIT_MS, type Receiver } from './receiver.ts'

/** Runs a call; what it throws is told where it happened. */
export type Located = <T>(operation: string, signal: AbortSignal, call: () => Promise<T>) => Promise<T>

interface QueueReceiverParts {
  readonly source: Receiver
  readonly located: Located
  /** Aborts with ClientClosed. */
  readonly closing: AbortSignal
}

/** Iterates with a signal that ends with what it iterates over. @throws ClientClosed at the first step */
export async function* iterateUntil<T>(
  closing: AbortSignal,
  signal: AbortSignal | undefined,
  start: (signal: AbortSignal) => AsyncIterable<T>,
): AsyncGenerator<T, void, undefined> {
  closing.throwIfAborted()
  const linked = linkSignals(closing, signal)
  try {
    yield* start(linked.signal)
  } finally {
    linked.unlink()
  }
}

/** Makes what applications receive with, of a queue or a session. */
export function createQueueReceiver({ source, located, closing }: QueueReceiverParts): QueueReceiver {
  const receiveBatch = async (
    maxMessages: number,
    waitMs: number,
    signal: AbortSignal | undefined,
  ): ReturnType<QueueReceiver['receiveBatch']> => {
    const linked = linkSignals(closing, signal)
    try {
      linked.signal.throwIfAborted()
      return await located('receive', linked.signal, () =>
        source.receiveBatch({ maxMessages, waitMs, signal: linked.signal }),
      )
    } finally {
      linked.unlink()
    }
  }

  return {
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
      return iterateUntil(closing, call.signal, (signal) => source.messages(signal))
    },
  }
}
