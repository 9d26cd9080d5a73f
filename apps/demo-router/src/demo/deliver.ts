import { QUEUES } from '../github/routes.ts'
import type { Delivery } from './deliveries.ts'
import { expectedQueue } from './expected.ts'
import type { House } from './house.ts'
import type { Entry, Ledger } from './ledger.ts'
import { plaintextWindows } from './plaintext-windows.ts'
import type { Post } from './post.ts'
import { postAll } from './post-all.ts'
import type { QueueRow } from './result.ts'
import { percentile } from './statistics.ts'
import { holdsWithin } from './wait.ts'
import type { WireTap } from './wire-tap.ts'

export interface Progress {
  readonly posted: number
  readonly total: number
  readonly opened: number
  readonly expected: number
}

export interface DeliverOptions {
  readonly house: House
  readonly ledger: Ledger
  readonly tap: WireTap
  readonly post: Post
  readonly deliveries: readonly Delivery[]
  /** How long the bots may take after the last post. */
  readonly timeoutMs: number
  readonly signal: AbortSignal
  readonly onProgress: (progress: Progress) => void
}

const isOpened = ({ queue, reads }: Entry): boolean => reads.some((read) => read.queue === queue)

/** Posts everything while the bots run, waits until they have read their share, and resolves with a row per queue. */
export async function deliverAll(options: DeliverOptions): Promise<QueueRow[]> {
  const { house, ledger, tap, post, deliveries, timeoutMs, signal, onProgress } = options
  const expected = deliveries.filter((delivery) => expectedQueue(delivery) !== undefined).length
  let posted = 0
  let opened = 0
  const look = (): void => {
    opened = ledger.entries.filter(isOpened).length
    onProgress({ posted, total: deliveries.length, opened, expected })
  }
  const bots = house.startBots()
  try {
    const onPosted = (): void => {
      posted += 1
      look()
    }
    await postAll(deliveries, { post, ledger, signal, onPosted })
    await holdsWithin(timeoutMs, signal, () => {
      look()
      return opened >= expected
    })
  } finally {
    await bots.close()
  }
  return summarize(house, ledger, tap)
}

const tenths = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : Math.round(ms * 10) / 10)

function summarize({ counters }: House, ledger: Ledger, tap: WireTap): QueueRow[] {
  const stored = tap.take()
  const entries = ledger.entries.filter(({ queue }) => queue !== undefined)
  const countWindows = plaintextWindows(entries.map(({ body }) => body))
  const { sent } = counters.snapshot()

  return QUEUES.map((queue) => {
    const own = entries.filter((entry) => entry.queue === queue)
    const opened = own.filter(isOpened)
    const latencies = opened.map(({ postedAt, reads: [read] }) => (read?.at ?? postedAt) - postedAt)
    const bodies = stored.get(queue) ?? []
    return {
      queue,
      expected: own.length,
      sent: sent[queue],
      opened: opened.length,
      refused: ledger.rejections.filter((rejection) => rejection.queue === queue).length,
      medianMs: tenths(percentile(latencies, 0.5)),
      p95Ms: tenths(percentile(latencies, 0.95)),
      wireBytes: bodies.reduce((sum, body) => sum + body.length, 0),
      plaintextWindows: bodies.reduce((sum, body) => sum + countWindows(body), 0),
    }
  })
}
