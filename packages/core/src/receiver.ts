import { backoff } from './backoff.ts'
import type { Clock } from './clock.ts'
import { isQueueError } from './errors.ts'
import type { Intake, Puller } from './intake.ts'
import type { ReceivedMessage, RejectedMessage } from './message.ts'

/** How long one look at the queue lasts where nobody set an end, in milliseconds (the longest long poll of SQS). */
export const DEFAULT_WAIT_MS = 20_000

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
  const pullOne = async (signal: AbortSignal): Promise<Intake> => {
    const intake = await puller.pull({ maxMessages: 1, waitMs: DEFAULT_WAIT_MS, signal })
    if (intake.outage !== undefined) throw intake.outage
    return intake
  }

  return {
    async receiveBatch({ maxMessages, waitMs, signal }) {
      const deadline = clock.now() + waitMs
      const rejected: RejectedMessage[] = []
      for (;;) {
        const left = Math.max(0, deadline - clock.now())
        const intake = await puller.pull({ maxMessages, waitMs: left, signal })
        rejected.push(...intake.rejected)
        if (intake.messages.length > 0) return { messages: [...intake.messages], rejected }
        if (intake.outage !== undefined) throw intake.outage
        if (clock.now() >= deadline) return { messages: [], rejected }
      }
    },
    async *messages(signal) {
      const pause = backoff(clock)
      while (!signal.aborted) {
        try {
          const { messages } = await pullOne(signal)
          pause.reset()
          yield* messages
        } catch (error) {
          if (signal.aborted) return
          if (!isQueueError(error) || !error.isTransient) throw error
          await pause.wait(signal, error.retryAfterMs).catch(() => {})
        }
      }
    },
  }
}
