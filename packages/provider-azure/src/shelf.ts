import type { Clock } from '@queue-runtime/core'
import type { Delivery } from '@queue-runtime/core/provider'

/** What nobody comes for goes back to the queue after this time, in milliseconds, long before its lock ends. */
const KEEP_MS = 5_000

/** Where messages lie that came after their call had ended. */
export interface Shelf {
  readonly isEmpty: boolean
  put(deliveries: readonly Delivery[]): void
  /** Returns at most so many, of those that are still locked. */
  take(maxMessages: number): Delivery[]
  /** Nobody waits any more: what lies here goes back after a while, unless somebody takes it before. */
  leave(): void
  /** Gives all back. Never rejects. */
  clear(): Promise<void>
}

/** Gives messages back to the queue. Never rejects. */
export const handBack = async (deliveries: readonly Delivery[]): Promise<void> => {
  await Promise.allSettled(deliveries.map((delivery) => delivery.abandon({ delayMs: 0 })))
}

/** `over` aborts when nothing is kept any more. */
export function createShelf(clock: Clock, over: AbortSignal): Shelf {
  let lying: Delivery[] = []
  let isWatched = false

  const watch = async (): Promise<void> => {
    isWatched = true
    while (lying.length > 0) {
      const present = new Set(lying)
      await clock.sleep(KEEP_MS, over)
      const left = lying.filter((delivery) => present.has(delivery))
      lying = lying.filter((delivery) => !present.has(delivery))
      await handBack(left)
    }
    isWatched = false
  }

  return {
    get isEmpty() {
      return lying.length === 0
    },
    put(deliveries) {
      lying.push(...deliveries)
    },
    take(maxMessages) {
      const now = clock.now()
      const held = lying.filter(({ message }) => message.lockedUntil.getTime() > now)
      lying = held.slice(maxMessages)
      return held.slice(0, maxMessages)
    },
    leave() {
      if (!isWatched && lying.length > 0) watch().catch(() => {})
    },
    async clear() {
      const left = lying
      lying = []
      await handBack(left)
    },
  }
}
