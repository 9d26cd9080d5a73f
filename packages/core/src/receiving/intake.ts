import type { Context } from '@opentelemetry/api'
import type { Clock } from '../base/clock.ts'
import { isQueueError, type QueueError } from '../base/errors.ts'
import { abortable, linkSignals } from '../base/signals.ts'
import type { Delivery, TransportReceiver } from '../contracts/transport.ts'
import type { RejectedMessage } from '../message/message.ts'
import { isPermanent } from '../resilience/backoff.ts'
import type { Gate, Passage } from '../resilience/gate.ts'
import type { ClientMetrics } from '../telemetry/metrics.ts'
import type { ClientTracing } from '../telemetry/tracing.ts'
import { giveBack, handBack, release } from './give-back.ts'
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

export interface PullOptions {
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
  /** A session: what is held comes before all that follows it. */
  readonly isOrdered: boolean
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

/** Somebody else may be looking at the queue for a moment; a look without a wait stands in line for so long, in milliseconds. */
const MIN_TURN_MS = 100

/** `stop` lets go of what is held. */
export function createPuller(parts: PullerParts): Puller & { stop(): void } {
  const { receiver, isOrdered, turn, gate, judge, reject, taking, makeHolding, metrics, tracing, session, clock } =
    parts
  const { inBackground } = parts
  let wake = new AbortController()
  const holding = makeHolding(() => {
    wake.abort()
    wake = new AbortController()
  })

  const judgeAll = async (deliveries: readonly Delivery[], signal: AbortSignal): Promise<Sorted> => {
    const judging = judge(deliveries, signal)
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

  /** Asks the broker, one caller at a time; undefined where the turn did not come in time. */
  const receive = async (
    maxMessages: number,
    deadline: number,
    signal: AbortSignal,
  ): Promise<{ readonly deliveries: Delivery[]; readonly passage: Passage } | undefined> =>
    turn.take({ waitMs: Math.max(deadline - clock.now(), MIN_TURN_MS), signal }, async () => {
      const passage = gate.enter('receive')
      const begunMs = performance.now()
      try {
        const left = Math.max(0, deadline - clock.now())
        const most = passage.isProbe ? 1 : maxMessages
        const deliveries = await receiver.receive({ maxMessages: most, waitMs: left, signal })
        if (deliveries.length > 0) metrics.receiveTook((performance.now() - begunMs) / 1_000)
        if (deliveries.length > most) inBackground(handBack(deliveries.slice(most)))
        return { deliveries: deliveries.slice(0, most), passage }
      } catch (error) {
        if (signal.aborted || isPermanent(error)) passage.left()
        else passage.failed(error)
        throw error
      }
    })

  /** `awakened`: the caller's signal, or something to collect. */
  const look = async (options: PullOptions, deadline: number, awakened: AbortSignal): Promise<Intake> => {
    const receiving = tracing.receiving(session)
    const received = await receive(options.maxMessages, deadline, awakened).catch((error: unknown) => {
      if (!awakened.aborted && !isQueueError(error, 'CircuitOpen')) receiving.failed(error)
      throw error
    })
    if (received === undefined) return NOTHING
    const { deliveries, passage } = received
    if (deliveries.length === 0) {
      passage.succeeded()
      // A transport that comes back early must not turn the loops above it into ones that never let go of the process.
      if (clock.now() < deadline) await new Promise((resolve) => setImmediate(resolve))
      return NOTHING
    }
    receiving.brought(deliveries.map(({ message }) => message))
    try {
      const sorted = await judgeAll(deliveries, options.signal)
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
    if (isOrdered && !holding.isEmpty) {
      await clock.sleep(options.waitMs, awakened)
      return NOTHING
    }
    try {
      return await look(options, deadline, awakened)
    } catch (error) {
      if (options.ifShut === 'reject' || !isQueueError(error, 'CircuitOpen')) throw error
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
        return collect(options.maxMessages) ?? NOTHING
      } finally {
        awakened.unlink()
      }
    },
    letGo: (sessionId) => holding.letGo(sessionId),
    stop: () => holding.stop(),
  }
}
