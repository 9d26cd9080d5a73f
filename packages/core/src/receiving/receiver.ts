import type { Clock } from '../base/clock.ts'
import type { ReceivedMessage, RejectedMessage } from '../message/message.ts'
import { isPermanent, type MakeBackoff } from '../resilience/backoff.ts'
import type { Retry } from '../resilience/retry.ts'
import { DEFAULT_RENEW_MS } from '../settling/keep-lock.ts'
import type { Intake, Puller } from './intake.ts'

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

interface ReceiverParts {
  readonly pull: Puller['pull']
  readonly clock: Clock
  readonly retry: Retry
  readonly makeBackoff: MakeBackoff
}

export function createReceiver({ pull: pullOnce, clock, retry, makeBackoff }: ReceiverParts): Receiver {
  /** Looks once, and again where the broker failed and time is left. */
  const pull = (maxMessages: number, deadline: number, signal: AbortSignal): Promise<Intake> =>
    retry.run('receive', { signal, deadline }, (each) => {
      const waitMs = Math.max(0, deadline - clock.now())
      return pullOnce({ maxMessages, waitMs, signal: each, renewMs: DEFAULT_RENEW_MS, ifShut: 'reject' })
    })

  return {
    async receiveBatch({ maxMessages, waitMs, signal }) {
      const deadline = clock.now() + waitMs
      const rejected: RejectedMessage[] = []
      for (let looksPast = 0; ; ) {
        const intake = await pull(maxMessages, deadline, signal)
        rejected.push(...intake.rejected)
        if (intake.messages.length > 0) return { messages: intake.messages.map(({ message }) => message), rejected }
        if (intake.outage !== undefined) throw intake.outage
        const isOver = clock.now() >= deadline
        if (isOver) looksPast += 1
        // Behind a refused message there may be a good one; a flood of forged ones must not hold the caller for ever.
        if (isOver && (intake.rejected.length === 0 || looksPast > MAX_LOOKS_PAST)) return { messages: [], rejected }
      }
    },
    async *messages(signal) {
      const pause = makeBackoff()
      const options = { maxMessages: 1, waitMs: DEFAULT_WAIT_MS, renewMs: DEFAULT_RENEW_MS, ifShut: 'wait' } as const
      while (!signal.aborted) {
        try {
          const { messages } = await pullOnce({ ...options, signal })
          pause.reset()
          yield* messages.map(({ message }) => message)
        } catch (error) {
          if (signal.aborted) return
          if (isPermanent(error)) throw error
          await pause.wait(signal, error).catch(() => {})
        }
      }
    },
  }
}
