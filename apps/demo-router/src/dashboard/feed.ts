import type { ServerResponse } from 'node:http'
import type { DashboardEvents, MessageRow, Snapshot } from './events.ts'

/** Sends events to the pages that are open. */
export interface Feed {
  /** How many pages listen. */
  readonly size: number
  publish<E extends keyof DashboardEvents>(event: E, data: DashboardEvents[E]): void
  /** The same for messages, of which only some dozens a second are sent: the rest shows in the points. */
  publishMessage(row: MessageRow): void
  /** Sends the snapshot, and from now on every event, until the other end goes or falls behind. False where it is full. */
  serve(response: ServerResponse): boolean
  /** Ends all connections. */
  close(): void
}

export interface FeedOptions {
  readonly snapshot: () => Snapshot
  /** Pages that may listen at once. Default 32. */
  readonly maxReaders?: number
  /** Bytes that may wait for a slow reader before it is dropped. Default 1 MiB. */
  readonly maxWaitingBytes?: number
  /** Default 15 s: proxies and browsers take a silent connection for a dead one. */
  readonly heartbeatMs?: number
  /** Messages are sent together, so often and so many at most. Default 250 ms and 12. */
  readonly flushMs?: number
  readonly maxPerFlush?: number
}

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'cross-origin-resource-policy': 'same-origin',
} as const

/** How long a page waits before it connects again. */
const RETRY_MS = 2_000

const frame = (event: string, data: unknown): string => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`

/** Returns the feed of server-sent events behind `GET /events`. */
export function createFeed(options: FeedOptions): Feed {
  const { snapshot, maxReaders = 32, maxWaitingBytes = 1024 * 1024, heartbeatMs = 15_000 } = options
  const { flushMs = 250, maxPerFlush = 12 } = options
  const readers = new Set<ServerResponse>()
  const waiting = new Map<string, MessageRow>()
  let isClosed = false

  const drop = (reader: ServerResponse): void => {
    readers.delete(reader)
    reader.destroy()
  }

  const write = (text: string): void => {
    for (const reader of readers) {
      // A reader that does not read would make this process keep everything for it.
      if (reader.writableLength > maxWaitingBytes) drop(reader)
      else reader.write(text)
    }
  }

  const publish: Feed['publish'] = (event, data) => {
    if (readers.size > 0) write(frame(event, data))
  }

  const flush = (): void => {
    if (waiting.size === 0) return
    const rows = [...waiting.values()]
    waiting.clear()
    // What an attack touched is what somebody waits to see.
    const attacked = rows.filter(({ attack }) => attack !== null)
    const others = rows.filter(({ attack }) => attack === null)
    for (const row of [...attacked, ...others.reverse()].slice(0, maxPerFlush)) publish('message', row)
  }

  const flushing = setInterval(flush, flushMs)
  const beating = setInterval(() => write(': alive\n\n'), heartbeatMs)
  for (const timer of [flushing, beating]) timer.unref()

  return {
    get size() {
      return readers.size
    },
    publish,
    publishMessage(row) {
      // Nobody to tell: the next page gets the snapshot.
      if (readers.size > 0) waiting.set(row.key, row)
    },
    serve(response) {
      if (isClosed || readers.size >= maxReaders) return false
      response.writeHead(200, HEADERS)
      response.write(`retry: ${RETRY_MS}\n${frame('snapshot', snapshot())}`)
      readers.add(response)
      response.on('close', () => readers.delete(response))
      response.on('error', () => drop(response))
      return true
    },
    close() {
      isClosed = true
      clearInterval(flushing)
      clearInterval(beating)
      for (const reader of readers) reader.end()
      readers.clear()
    },
  }
}
