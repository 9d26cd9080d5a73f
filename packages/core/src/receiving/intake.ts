import type { Context } from '@opentelemetry/api'
import type { Clock } from '../base/clock.ts'
import { isQueueError, type QueueError } from '../base/errors.ts'
import { abortable, linkSignals, OVER } from '../base/signals.ts'
import type { Delivery, TransportReceiver } from '../contracts/transport.ts'
import type { RejectedMessage } from '../message/message.ts'
import type { Gate } from '../resilience/gate.ts'
import type { ClientMetrics } from '../telemetry/metrics.ts'
import type { ClientTracing } from '../telemetry/tracing.ts'
import { createAsking } from './asking.ts'
import { giveBack, release } from './give-back.ts'
import type { Holding } from './holding.ts'
import type { Judge } from './judge.ts'
import type { Reject } from './rejecting.ts'
import { type Sorted, sortVerdicts, type Taken, type Taking } from './taking.ts'
import type { Turn } from './turn.ts'

/** What one look at the queue brought. `outage` is why messages are held, where some are. */
export interface Intake {
  readonly messages: readonly Taken[]
  readonly rejected: readonly RejectedMessage[]
  readonly outage: QueueError | undefined
}

interface PullOptions {
  readonly maxMessages: number
  readonly waitMs: number
  readonly signal: AbortSignal
  /** For how long the lock of a message is renewed that has to be held, in milliseconds. */
  readonly renewMs: number
  /** While the gate is shut: wait for it until `waitMs` is over, or reject with CircuitOpen. */
  readonly ifShut: 'wait' | 'reject'
}

/** Receives once: deliveries → unprotect → decide → hand over, or settle with a reason, or hold. */
export interface Puller {
  /** True while messages wait for the end of an outage. */
  readonly isHolding: boolean
  pull(options: PullOptions): Promise<Intake>
  /** Gives back what is held of a session, one of whose messages stays in the queue. Never rejects. */
  letGo(sessionId: string): Promise<void>
}

interface PullerParts {
  readonly receiver: TransportReceiver
  /** A session: nothing is received while a message of it is held. */
  readonly isOrdered: boolean
  /** That of all who receive from the transport. */
  readonly turn: Turn
  readonly gate: Gate
  readonly judge: Judge
  readonly reject: Reject
  readonly taking: Taking
  /** Made here, since what it brings ends a wait. */
  readonly makeHolding: (onChange: () => void) => Holding
  readonly metrics: ClientMetrics
  readonly tracing: ClientTracing
  /** The session that is received from. */
  readonly session: Context | undefined
  readonly clock: Clock
  /** Takes work that the caller does not wait for, but that closing does. */
  readonly inBackground: (work: Promise<unknown>) => void
}

const NOTHING: Intake = { messages: [], rejected: [], outage: undefined }

/** A caller that tries again at once must not keep the process from all else, the end of the outage included. */
const letOthersRun = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** `stop` lets go of what is held. */
export function createPuller(parts: PullerParts): Puller & { stop(): Promise<void> } {
  const { isOrdered, gate, judge, reject, taking, makeHolding, metrics, tracing, session, clock, inBackground } = parts
  let wake = new AbortController()
  const holding = makeHolding(() => {
    wake.abort(OVER)
    wake = new AbortController()
  })
  const ask = createAsking({ ...parts, mustWait: () => isOrdered && !holding.isEmpty })

  const judgeAll = async (deliveries: readonly Delivery[], { signal, renewMs }: PullOptions): Promise<Sorted> => {
    const judging = judge(deliveries, signal, renewMs)
    try {
      return sortVerdicts(deliveries, await abortable(judging, signal))
    } catch (error) {
      inBackground(giveBack(deliveries, judging, { taking, clock }))
      throw error
    }
  }

  const handOut = async (sorted: Sorted, { signal, renewMs }: PullOptions): Promise<Intake> => {
    const { opened, refused, held, overtaking } = sorted
    const messages = opened.map(taking.take)
    inBackground(release(overtaking.map(taking.take)))
    for (const one of held) holding.keep(one, renewMs)
    const rejecting = Promise.all([
      ...refused.map(({ delivery, verdict }) => reject(delivery.message, taking.settlement(delivery), verdict)),
      ...held.map(({ delivery, verdict }) => reject(delivery.message, null, verdict)),
    ])
    try {
      return { messages, rejected: await abortable(rejecting, signal), outage: held[0]?.verdict.error }
    } catch (error) {
      inBackground(rejecting)
      inBackground(release(messages))
      throw error
    }
  }

  /** `awakened`: the caller's signal, or something to collect. */
  const look = async (options: PullOptions, deadline: number, awakened: AbortSignal): Promise<Intake> => {
    const receiving = tracing.receiving(session)
    const asking = ask({ maxMessages: options.maxMessages, deadline, signal: awakened })
    const answer = await asking.catch((error: unknown) => {
      if (!awakened.aborted && !isQueueError(error, 'CircuitOpen')) receiving.failed(error)
      throw error
    })
    if (answer === undefined) return NOTHING
    const { deliveries, passage } = answer
    receiving.brought(deliveries.map(({ message }) => message))
    try {
      const sorted = await judgeAll(deliveries, options)
      if (sorted.held[0] === undefined) passage.succeeded()
      else passage.held(sorted.held[0].verdict.error)
      const intake = await handOut(sorted, options)
      for (const { message } of intake.messages) metrics.received(message.seal !== null)
      return intake
    } finally {
      passage.left()
    }
  }

  const collect = (maxMessages: number): Intake | undefined => {
    const { messages, rejected } = holding.collect(maxMessages)
    for (const { message } of messages) metrics.received(message.seal !== null)
    return messages.length + rejected.length > 0 ? { messages, rejected, outage: undefined } : undefined
  }

  const lookOrWait = async (options: PullOptions, deadline: number, awakened: AbortSignal): Promise<Intake> => {
    try {
      return await look(options, deadline, awakened)
    } catch (error) {
      if (!isQueueError(error, 'CircuitOpen')) throw error
      if (options.ifShut === 'reject') {
        await letOthersRun()
        throw error
      }
      await gate.wait(Math.max(0, deadline - clock.now()), awakened)
      return NOTHING
    }
  }

  return {
    get isHolding() {
      return !holding.isEmpty
    },
    async pull(options) {
      const awakened = linkSignals(options.signal, wake.signal)
      try {
        return (
          collect(options.maxMessages) ?? (await lookOrWait(options, clock.now() + options.waitMs, awakened.signal))
        )
      } catch (error) {
        if (options.signal.aborted || !awakened.signal.aborted) throw error
        return NOTHING
      } finally {
        awakened.unlink()
      }
    },
    letGo: (sessionId) => holding.letGo(sessionId),
    stop: () => holding.stop(),
  }
}
