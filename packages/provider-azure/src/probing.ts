import { isQueueError } from '@queue-runtime/core'
import type { QueueTransport } from '@queue-runtime/core/provider'
import type { Connection } from './connection.ts'
import { openReceiver } from './links.ts'

/** Requirements, section 0: a health check, in milliseconds. */
const PROBE_MS = 30_000

/**
 * Asks whether the queue is there, by a look at its first message; who may only send is asked by its sender. AMQP does not tell
 * the depth.
 */
export const createProbe =
  (queue: string, path: string, connection: Connection): NonNullable<QueueTransport['probe']> =>
  async ({ signal }) => {
    const limits = { queue, operation: 'health', timeoutMs: PROBE_MS, signal }
    try {
      await connection.call(limits, async ({ main }, options) => {
        const receiver = openReceiver(main, path, false)
        await receiver.peekMessages(1, options).finally(() => receiver.close())
      })
    } catch (error) {
      if (!isQueueError(error, 'PermissionDenied')) throw error
      await connection.call(limits, ({ sender }, options) => sender(path).createMessageBatch(options))
    }
    return { depth: undefined }
  }
