import type { Clock } from '@queue-runtime/core'
import { abortable, type Delivery, type TransportReceiver } from '@queue-runtime/core/provider'
import { transportClosed } from './errors.ts'
import { createLook, type Draw } from './looking.ts'
import { createShelf, handBack } from './shelf.ts'

/** A look cannot be cut short, or the broker would hand out messages to nobody: so it is short, in milliseconds. */
const LOOK_MS = 1_000

/** Where a look takes nothing from anybody it goes on, in milliseconds: at its end the SDK may close a link that is slow. */
const EXCLUSIVE_LOOK_MS = 300_000

/** How much later than promised an answer may come that is on its way, in milliseconds. */
const GRACE_MS = 250

/** Between two looks that found nothing at once, in milliseconds. */
const PAUSE_MS = 100

/** How long closing waits for a look that goes on and for what is handed back, in milliseconds. */
const CLOSE_MS = 3_000

/** Without a reason Node makes an error with its stack, each time. */
const OVER = 'over'

interface ReceiverParts {
  readonly queue: string
  readonly draw: Draw
  /** Ends what the messages come from. Never rejects, and never hangs. */
  readonly end: () => Promise<void>
  /** True where nobody else wants the messages: a look may go on until `end` cuts it. */
  readonly isExclusive: boolean
  /** False where the broker takes long to say that nothing more comes. Default: it does not */
  readonly mayDrain?: () => boolean
  readonly clock: Clock
  /** How long a look without a wait gives the first message to come, in milliseconds. */
  readonly minWaitMs: number
}

/** A receiver with a shelf for what came after its call had ended. */
export interface ShelvedReceiver extends TransportReceiver {
  /** Hands back what nobody has taken yet, and what a look that goes on brings: it may not overtake a message that goes back. */
  clearShelf(returning: Delivery): Promise<void>
}

/** Looks until something is there. What comes after a call has ended stays for the next one. */
export function createReceiver(parts: ReceiverParts): ShelvedReceiver {
  const { queue, draw, end, isExclusive, mayDrain = () => true, clock, minWaitMs } = parts
  const look = createLook({ draw, mayDrain, minWaitMs })
  const over = new AbortController()
  const shelf = createShelf(clock, over.signal)
  let looking: Promise<void> | undefined
  /** What went back to the queue while a look went on. */
  let returned: Delivery | undefined
  let closing: Promise<void> | undefined
  const closed = Promise.withResolvers<void>()
  let isAwaited = false

  const isOvertaking = ([first]: readonly Delivery[]): boolean =>
    returned !== undefined && first?.message.brokerMessageId !== returned.message.brokerMessageId

  /** What is for this receiver alone stands in nobody's way. */
  const leaveShelf = (): void => {
    if (!isExclusive) shelf.leave()
  }

  const lookOnce = async (maxMessages: number, waitMs: number): Promise<void> => {
    returned = undefined
    const deliveries = await look(maxMessages, waitMs)
    if (closing !== undefined || isOvertaking(deliveries)) await handBack(deliveries)
    else shelf.put(deliveries)
    if (!isAwaited) leaveShelf()
  }

  /** Rejects for whoever waits for it. */
  const begin = (maxMessages: number, waitMs: number): Promise<void> => {
    const started = lookOnce(maxMessages, waitMs)
    const forget = (): void => {
      looking = undefined
    }
    looking = started
    started.then(forget, forget)
    return started
  }

  /** Ends with the first that ends, or when the time is over. */
  const within = async (ms: number | undefined, racers: readonly Promise<unknown>[]): Promise<void> => {
    const stop = new AbortController()
    const timer = ms === undefined ? [] : [clock.sleep(ms, stop.signal).catch(() => {})]
    try {
      await Promise.race([...racers, ...timer])
    } finally {
      stop.abort(OVER)
    }
  }

  const wait = (work: readonly Promise<void>[], ms: number | undefined, signal: AbortSignal): Promise<void> =>
    abortable(within(ms, [...work, closed.promise]), signal)

  const close = async (): Promise<void> => {
    await within(CLOSE_MS, [Promise.allSettled([shelf.clear(), isExclusive ? undefined : looking])])
    await end()
  }

  /** One without a wait takes as long as it takes; others end with the time of the caller, and go on for the next one. */
  const patience = (left: number): number | undefined => {
    if (isExclusive) return Math.max(left, minWaitMs)
    return left === 0 ? undefined : left + GRACE_MS
  }

  const receive: TransportReceiver['receive'] = async ({ maxMessages, waitMs, signal }) => {
    const deadline = clock.now() + waitMs
    for (let hasLooked = false; ; ) {
      const taken = shelf.take(maxMessages)
      const left = Math.max(0, deadline - clock.now())
      const isOver = left === 0 && (waitMs > 0 || hasLooked)
      if (taken.length > 0 || closing !== undefined || isOver) return taken
      const begunAt = clock.now()
      // One that is about to end may have seen less than what is there now.
      hasLooked = isExclusive || looking === undefined
      const work = looking ?? begin(maxMessages, isExclusive ? EXCLUSIVE_LOOK_MS : Math.min(left, LOOK_MS))
      await wait([work], patience(left), signal)
      const rest = Math.min(PAUSE_MS, deadline - clock.now())
      const wasAtOnce = clock.now() - begunAt < Math.min(PAUSE_MS, left)
      if (shelf.isEmpty && wasAtOnce && rest > 0) await wait([], rest, signal)
    }
  }

  return {
    async receive(options) {
      options.signal.throwIfAborted()
      if (closing !== undefined) throw transportClosed(queue, 'receive')
      isAwaited = true
      try {
        return await receive(options)
      } finally {
        isAwaited = false
        leaveShelf()
      }
    },
    async clearShelf(returning) {
      returned = returning
      await shelf.clear()
    },
    close() {
      closed.resolve()
      over.abort(OVER)
      closing ??= close()
      return closing
    },
  }
}
