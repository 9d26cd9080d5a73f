import type { Delivery } from '@queue-runtime/core/provider'
import type { Locked, Storage } from './storage.ts'
import type { Line, Waiter } from './waiting-room.ts'

/** What messages are received from: a queue, a session of it, or its dead letters. */
export interface Source {
  /** Locks and returns what can be received at once. */
  take(maxMessages: number): Delivery[]
  /** Stands in line for what comes within `waitMs`. */
  wait(maxMessages: number, waitMs: number): Waiter<Delivery[]>
}

/** What the sources of a queue share. */
export interface Counter {
  /** Runs `act` on the storage as it is now; whoever waits is served afterwards. */
  change<T>(act: (storage: Storage, now: number) => T): T
  openLine<T>(): Line<T>
  /** Stands in line for `waitMs`. The alarm knows of it, and of an early leave. */
  join<T>(line: Line<T>, waitMs: number, find: (now: number) => T | undefined): Waiter<T>
  deliver(locked: Locked): Delivery
}

/** Returns the source whose messages `lockOne` locks, one by one, and for which `line` waits. */
export function createSource(
  { change, deliver, join }: Counter,
  line: Line<Delivery[]>,
  lockOne: (now: number) => Locked | undefined,
): Source {
  const take = (maxMessages: number, now: number): Delivery[] => {
    const deliveries: Delivery[] = []
    while (deliveries.length < maxMessages) {
      const locked = lockOne(now)
      if (locked === undefined) break
      deliveries.push(deliver(locked))
    }
    return deliveries
  }

  return {
    take: (maxMessages) => change((_, now) => take(maxMessages, now)),
    wait: (maxMessages, waitMs) =>
      join(line, waitMs, (now) => {
        const deliveries = take(maxMessages, now)
        return deliveries.length === 0 ? undefined : deliveries
      }),
  }
}
