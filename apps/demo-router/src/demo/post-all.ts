import { randomUUID } from 'node:crypto'
import type { Delivery } from './deliveries.ts'
import { expectedQueue } from './expected.ts'
import type { Entry, Ledger } from './ledger.ts'
import type { Post } from './post.ts'

/** Requests under way at once. */
const CONCURRENCY = 8

/** Posts deliveries, each under an id of its own, and enters them in the books; resolves when all are answered. */
export async function postAll(
  deliveries: readonly Delivery[],
  { post, ledger, signal, onPosted }: { post: Post; ledger: Ledger; signal: AbortSignal; onPosted?: () => void },
): Promise<Entry[]> {
  const entries: Entry[] = []
  const queue = deliveries.values()
  const work = async (): Promise<void> => {
    for (const delivery of queue) {
      signal.throwIfAborted()
      const entry = ledger.post(randomUUID(), delivery, expectedQueue(delivery))
      entries.push(entry)
      // A delivery without an answer stays without a status: the verdict counts it.
      entry.status = await post(delivery, entry.deliveryId).catch(() => undefined)
      onPosted?.()
    }
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, work))
  return entries
}
