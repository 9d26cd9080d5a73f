import type { Delivery } from '@queue-runtime/core/provider'
import { createHeap } from './heap.ts'

/** Somebody who waits for messages. */
export interface Waiter {
  readonly maxMessages: number
  /** Resolves with what came, or with nothing. */
  readonly deliveries: Promise<Delivery[]>
  /** Ends the wait; nothing is given to a waiter that has left. */
  readonly leave: (deliveries?: Delivery[]) => void
}

/** Waiters, first come first served. */
export interface Line {
  readonly size: number
  first(): Waiter | undefined
  join(maxMessages: number, deadline: number): Waiter
  /** Sends away those whose deadline has come. */
  leaveLate(now: number): void
  /** The next deadline; Infinity where nobody waits. */
  nextDeadline(): number
}

export function createLine(): Line {
  const waiters = new Set<Waiter>()
  const deadlines = createHeap<{ readonly waiter: Waiter; readonly at: number }>((a, b) => a.at < b.at)

  const nextDeadline = (): number => deadlines.first()?.at ?? Number.POSITIVE_INFINITY

  return {
    get size() {
      return waiters.size
    },
    first() {
      const [waiter] = waiters
      return waiter
    },
    join(maxMessages, at) {
      const { promise: deliveries, resolve } = Promise.withResolvers<Delivery[]>()
      const leave = (given: Delivery[] = []): void => {
        if (!waiters.delete(waiter)) return
        deadlines.delete(place)
        resolve(given)
      }
      const waiter: Waiter = { maxMessages, deliveries, leave }
      const place = deadlines.add({ waiter, at })
      waiters.add(waiter)
      return waiter
    },
    leaveLate(now) {
      while (nextDeadline() <= now) deadlines.first()?.waiter.leave()
    },
    nextDeadline,
  }
}
