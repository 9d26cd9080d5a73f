import type { TransportReceiver } from '@queue-runtime/core/provider'
import { transportClosed } from './errors.ts'
import type { Waiter } from './line.ts'
import type { Source } from './queue.ts'

/** Returns a receiver of `source`, which is looked up at each call. Closing it ends its calls; what it handed out stays locked. */
export function createReceiver(queue: string, source: () => Source, onClose: () => void = () => {}): TransportReceiver {
  const waiters = new Set<Waiter>()
  let isClosed = false

  return {
    async receive({ maxMessages, waitMs, signal }) {
      signal.throwIfAborted()
      if (isClosed) throw transportClosed(queue, 'receive')
      const found = source().take(maxMessages)
      if (found.length > 0 || waitMs === 0) return found
      const waiter = source().wait(maxMessages, waitMs)
      const leave = (): void => waiter.leave()
      waiters.add(waiter)
      signal.addEventListener('abort', leave, { once: true })
      try {
        const deliveries = await waiter.deliveries
        // What came in the very tick of the abort is locked: it must reach whoever can give it back.
        if (deliveries.length === 0) signal.throwIfAborted()
        return deliveries
      } finally {
        signal.removeEventListener('abort', leave)
        waiters.delete(waiter)
      }
    },
    async close() {
      isClosed = true
      for (const waiter of waiters) waiter.leave()
      onClose()
    },
  }
}
