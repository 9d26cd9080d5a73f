import type { Clock } from '../base/clock.ts'
import type { ReceivedMessage, RejectedMessage } from '../message/message.ts'
import { backoff, isPermanent, retryAfterOf } from '../resilience/backoff.ts'
import type { Puller } from './intake.ts'

/** How long one look at the queue lasts where nobody set an end, in milliseconds (the longest long poll of SQS). */
export const DEFAULT_WAIT_MS = 20_000

/** Looks after the wait is over, while each brings nothing but refused messages. */
const MAX_LOOKS_PAST = 10

export interface Receiver {
  /** Looks until a good message or an outage is there, or `waitMs` is over. */
  receiveBatch(options: { maxMessages: number; waitMs: number; signal: AbortSignal }): Promise<{
    messages: ReceivedMessage[]
    rejected: RejectedMessage[]
  }>
  /** One message after the other until the signal aborts; outages are waited out, what cannot heal is thrown. */
  messages(signal: AbortSignal): AsyncGenerator<ReceivedMessage, void, undefined>
}

export function createReceiver(puller: Puller, clock: Clock): Receiver {
  return {
    async receiveBatch({ maxMessages, waitMs, signal }) {
      const deadline = clock.now() + waitMs
      const rejected: RejectedMessage[] = []
      for (let looksPast = 0; ; ) {
        const left = Math.max(0, deadline - clock.now())
        const intake = await puller.pull({ maxMessages, waitMs: left, signal })
        rejected.push(...intake.rejected)
        if (intake.messages.length > 0) return { messages: [...intake.messages], rejected }
        if (intake.outage !== undefined) throw intake.outage
        const isOver = clock.now() >= deadline
        if (isOver) looksPast += 1
        // Behind a refused message there may be a good one; a flood of forged ones must not hold the caller for ever.
        if (isOver && (intake.rejected.length === 0 || looksPast > MAX_LOOKS_PAST)) return { messages: [], rejected }
      }
    },
    async *messages(signal) {
      const pause = backoff(clock)
      while (!signal.aborted) {
        try {
          const { messages, outage } = await puller.pull({ maxMessages: 1, waitMs: DEFAULT_WAIT_MS, signal })
          if (outage === undefined) pause.reset()
          else await pause.wait(signal, outage.retryAfterMs)
          yield* messages
        } catch (error) {
          if (signal.aborted) return
          if (isPermanent(error)) throw error
          await pause.wait(signal, retryAfterOf(error)).catch(() => {})
        }
      }
    },
  }
}
