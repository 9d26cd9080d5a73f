import type { QueueError } from '@queue-runtime/core'
import type { TransportReceiver } from '@queue-runtime/core/provider'
import type { Source } from './source.ts'
import { createStay } from './stay.ts'

/**
 * Returns a receiver of `source`, which is looked up at each call. Closing it ends its calls and runs `onClose`; what it handed
 * out is left to that.
 */
export function createReceiver(
  source: () => Source,
  closedError: () => QueueError,
  onClose: () => void = () => {},
): TransportReceiver {
  const stay = createStay()

  return {
    async receive({ maxMessages, waitMs, signal }) {
      signal.throwIfAborted()
      if (stay.isOver) throw closedError()
      const found = source().take(maxMessages)
      if (found.length > 0 || waitMs === 0) return found
      const deliveries = (await stay.wait(source().wait(maxMessages, waitMs), signal)) ?? []
      // What came in the very tick of the abort is locked: it must reach whoever can give it back.
      if (deliveries.length === 0) signal.throwIfAborted()
      return deliveries
    },
    async close() {
      stay.end()
      onClose()
    },
  }
}
