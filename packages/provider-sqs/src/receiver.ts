import type { Clock } from '@queue-runtime/core'
import { abortable, type Delivery, type TransportReceiver } from '@queue-runtime/core/provider'
import { transportClosed } from './errors.ts'
import { MAX_POLL_SECONDS, MAX_RECEIVED } from './limits.ts'
import type { Poll } from './polling.ts'

interface ReceiverParts {
  readonly queue: string
  readonly poll: Poll
  readonly clock: Clock
  /** Every look lasts so long at least: a look without a wait asks only some of the servers of SQS, and may find nothing of what is there. */
  readonly minPollSeconds: number
}

/** `ended` resolves once polls that outlive `close()` are over, and what they brought was given back. */
export interface SqsReceiver extends TransportReceiver {
  readonly ended: Promise<void>
}

/** Between two looks without a wait, in milliseconds. */
const PAUSE_MS = 100

/** How much later than promised an answer may come that is on its way, in milliseconds. */
const GRACE_MS = 100

/** Polls until something is there. What comes after a call has ended stays for the next one. */
export function createReceiver({ queue, poll, clock, minPollSeconds }: ReceiverParts): SqsReceiver {
  const polls = new Set<Promise<void>>()
  const ended = Promise.withResolvers<void>()
  let arrived: Delivery[] = []
  let isClosed = false
  /** The last look brought as much as it could: there is more. */
  let isFlowing = false
  let notice = Promise.withResolvers<void>()

  const tell = (): void => {
    notice.resolve()
    notice = Promise.withResolvers()
  }

  const handBack = async (deliveries: readonly Delivery[]): Promise<void> => {
    await Promise.allSettled(deliveries.map((delivery) => delivery.abandon({ delayMs: 0 })))
  }

  const endIfIdle = (): void => {
    if (isClosed && polls.size === 0) ended.resolve()
  }

  const take = (maxMessages: number): Delivery[] => {
    const now = clock.now()
    const held = arrived.filter(({ message }) => message.lockedUntil.getTime() > now)
    arrived = held.slice(maxMessages)
    return held.slice(0, maxMessages)
  }

  const look = async (most: number, seconds: number): Promise<void> => {
    const deliveries = await poll(most, seconds)
    isFlowing = deliveries.length === MAX_RECEIVED
    if (isClosed) await handBack(deliveries)
    else arrived.push(...deliveries)
  }

  /** Rejects for whoever waits for it. */
  const begin = (most: number, seconds: number): Promise<void> => {
    const looking = look(Math.min(MAX_RECEIVED, most), seconds)
    const end = (): void => {
      polls.delete(looking)
      tell()
      endIfIdle()
    }
    polls.add(looking)
    looking.then(end, end)
    return looking
  }

  /** Where there is more than one answer holds, several are asked for at once. */
  const beginAll = (maxMessages: number, seconds: number): Promise<void> => {
    for (let rest = maxMessages - MAX_RECEIVED; isFlowing && rest > 0; rest -= MAX_RECEIVED) {
      begin(rest, 0).catch(() => {})
    }
    return begin(maxMessages, seconds)
  }

  const secondsFor = (leftMs: number): number =>
    Math.max(minPollSeconds, Math.min(MAX_POLL_SECONDS, Math.floor(Math.max(0, leftMs) / 1_000)))

  /** Waits until a poll ends, the receiver closes, or `ms` are over. Rejects as `looking` does, and with the reason of an abort. */
  const wait = async (
    ms: number | undefined,
    looking: Promise<void> | undefined,
    signal: AbortSignal,
  ): Promise<void> => {
    const stop = new AbortController()
    const racers = [notice.promise]
    if (looking !== undefined) racers.push(looking)
    if (ms !== undefined) racers.push(clock.sleep(ms, stop.signal).catch(() => {}))
    try {
      await abortable(Promise.race(racers), signal)
    } finally {
      stop.abort()
    }
  }

  return {
    ended: ended.promise,
    async receive({ maxMessages, waitMs, signal }) {
      signal.throwIfAborted()
      if (isClosed) throw transportClosed(queue, 'receive')
      const deadline = clock.now() + waitMs
      for (let isFirst = true; ; isFirst = false) {
        const taken = take(maxMessages)
        const left = deadline - clock.now()
        if (taken.length > 0 || isClosed || (left <= 0 && !isFirst)) return taken
        const seconds = secondsFor(left)
        const isOwn = polls.size === 0 || left <= 0
        // The shortest look takes as long as it takes; others end with the time of the caller, and go on for the next one.
        const isShortest = isOwn && left <= minPollSeconds * 1_000
        await wait(isShortest ? undefined : left + GRACE_MS, isOwn ? beginAll(maxMessages, seconds) : undefined, signal)
        const rest = deadline - clock.now()
        if (seconds === 0 && arrived.length === 0 && rest > 0) await wait(Math.min(PAUSE_MS, rest), undefined, signal)
      }
    },
    async close() {
      if (isClosed) return
      isClosed = true
      tell()
      const left = arrived
      arrived = []
      await handBack(left)
      endIfIdle()
    },
  }
}
