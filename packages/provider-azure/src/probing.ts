import { isQueueError } from '@queue-runtime/core'
import type { QueueTransport } from '@queue-runtime/core/provider'
import type { Connection } from './connection.ts'
import { openReceiver } from './links.ts'

/** Requirements, section 0: a health check, in milliseconds. */
const PROBE_MS = 30_000

type Probe = NonNullable<QueueTransport['probe']>

/** Looks at the first message of a queue without taking it, which takes the right Listen. */
export const createPeek =
  (queue: string, path: string, connection: Connection) =>
  ({ signal }: Parameters<Probe>[0]): Promise<void> =>
    connection.call({ queue, operation: 'health', timeoutMs: PROBE_MS, signal }, async ({ main }, options) => {
      const receiver = openReceiver(main, path, false)
      await receiver.peekMessages(1, options).finally(() => receiver.close())
    })

/** Asks whether the queue is there; who may only send is asked by its sender. AMQP does not tell the depth. */
export function createProbe(queue: string, path: string, connection: Connection): Probe {
  const peek = createPeek(queue, path, connection)
  return async ({ signal }) => {
    try {
      await peek({ signal })
    } catch (error) {
      if (!isQueueError(error, 'PermissionDenied')) throw error
      const limits = { queue, operation: 'health', timeoutMs: PROBE_MS, signal }
      await connection.call(limits, ({ sender }, options) => sender(path).createMessageBatch(options))
    }
    return { depth: undefined }
  }
}
