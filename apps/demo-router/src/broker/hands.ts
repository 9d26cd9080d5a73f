import { setTimeout as delay } from 'node:timers/promises'
import type { QueueName } from '../github/routes.ts'
import type { Copies, StoredCopy, WireFields } from './copies.ts'
import type { WatchedProvider } from './watched-provider.ts'

/** What was taken out of a queue. */
interface Grip {
  /** Oldest first. */
  readonly copies: readonly StoredCopy[]
  /** Keeps one of them. */
  keep(copy: StoredCopy): void
  /** Puts back what is not kept, in order. */
  release(): Promise<void>
}

/** What whoever may receive from and send to the queues can do to them, on any broker. */
export interface Hands {
  /** Takes all that lies in a queue; what was found of it once `timeoutMs` are over. No bot should read from it meanwhile. */
  grab(queue: QueueName, timeoutMs: number): Promise<Grip>
  put(queue: QueueName, message: WireFields): Promise<StoredCopy>
}

const PAUSE_MS = 20

const byKey = (one: StoredCopy, other: StoredCopy): number => Number(one.key) - Number(other.key)

/** `signal` ends what they do. */
export function createHands(provider: WatchedProvider, copies: Copies, signal: AbortSignal): Hands {
  return {
    async grab(queue, timeoutMs) {
      const transport = provider.open(queue)
      const held = new Set<StoredCopy>()
      const deadline = performance.now() + timeoutMs
      while (copies.lyingIn(queue).length > 0 && performance.now() < deadline) {
        const taken = await transport.take(signal)
        for (const copy of taken) held.add(copy)
        if (taken.length === 0) await delay(PAUSE_MS)
      }
      return {
        copies: [...held].sort(byKey),
        keep: (copy) => void held.delete(copy),
        async release() {
          for (const copy of [...held].sort(byKey)) await transport.putBack(copy, signal)
          held.clear()
          await transport.close()
        },
      }
    },
    async put(queue, message) {
      const transport = provider.open(queue)
      try {
        return await transport.put(message, signal)
      } finally {
        await transport.close()
      }
    },
  }
}
