import type { Clock } from '../base/clock.ts'
import type { QueueError } from '../base/errors.ts'
import { abortable } from '../base/signals.ts'
import type { Unprotected } from '../contracts/protection.ts'
import type { Delivery, TransportReceiver } from '../contracts/transport.ts'
import type { ReceivedMessage, RejectedMessage } from '../message/message.ts'
import { createReceivedMessage } from '../message/received-message.ts'
import { createSettlement, type Settlement } from '../settling/settlement.ts'
import type { Unsettled } from '../settling/unsettled.ts'
import type { ClientMetrics } from '../telemetry/telemetry.ts'
import type { Judge } from './judge.ts'
import type { Reject } from './rejecting.ts'
import { createTurn } from './turn.ts'

/** What one look at the queue brought. `outage` is why messages are held, where some are. */
interface Intake {
  readonly messages: readonly ReceivedMessage[]
  readonly rejected: readonly RejectedMessage[]
  readonly outage: QueueError | undefined
}

interface PullerParts {
  readonly queue: string
  readonly source: TransportReceiver
  readonly judge: Judge
  readonly reject: Reject
  readonly metrics: ClientMetrics
  readonly clock: Clock
  readonly unsettled: Unsettled
  /** Takes work that the caller does not wait for, but that closing does. */
  readonly inBackground: (work: Promise<unknown>) => void
}

/** Receives once: deliveries → unprotect → decide → hand over, or settle with a reason, or hold. */
export interface Puller {
  pull(options: { maxMessages: number; waitMs: number; signal: AbortSignal }): Promise<Intake>
}

/** One delivery with what was decided about it. */
interface Case {
  readonly delivery: Delivery
  readonly verdict: Unprotected
  readonly settlement: Settlement
}

const NOTHING: Intake = { messages: [], rejected: [], outage: undefined }

/** Somebody else may be looking at the queue for a moment; a look without a wait stands in line for so long, in milliseconds. */
const MIN_TURN_MS = 100

/** After an abort, opening has this long to release what it claimed, in milliseconds; then the messages go back without it. */
const RELEASE_MS = 1_000

export function createPuller(parts: PullerParts): Puller {
  const { queue, source, judge, reject, metrics, clock, unsettled, inBackground } = parts
  const turn = createTurn(clock)

  const openCase = (delivery: Delivery, verdict: Unprotected): Case => {
    const claim = 'error' in verdict ? null : verdict.claim
    const settlement = createSettlement(delivery, claim, { queue, onEnd: unsettled.delete })
    unsettled.add(settlement)
    return { delivery, verdict, settlement }
  }

  const release = async (settlements: readonly Settlement[]): Promise<void> => {
    await Promise.allSettled(settlements.map((settlement) => settlement.release()))
  }

  const abandon = async (deliveries: readonly Delivery[]): Promise<void> => {
    await Promise.allSettled(deliveries.map(async (delivery) => delivery.abandon({ delayMs: 0 })))
  }

  /** After an abort nobody will take what was received: it goes back at once instead of waiting for its lock to end. */
  const giveBack = async (deliveries: readonly Delivery[], judging: Promise<Unprotected[]>): Promise<void> => {
    const done = new AbortController()
    const verdicts = await Promise.race([judging, clock.sleep(RELEASE_MS, done.signal)]).catch(() => undefined)
    done.abort()
    if (!verdicts) return abandon(deliveries)
    const cases = deliveries.map((delivery, index) => openCase(delivery, verdicts[index] as Unprotected))
    await release(cases.map(({ settlement }) => settlement))
  }

  const judgeAll = async (deliveries: readonly Delivery[], signal: AbortSignal): Promise<Case[]> => {
    const judging = judge(deliveries, signal)
    try {
      const verdicts = await abortable(judging, signal)
      return deliveries.map((delivery, index) => openCase(delivery, verdicts[index] as Unprotected))
    } catch (error) {
      inBackground(giveBack(deliveries, judging))
      throw error
    }
  }

  const handOut = async (cases: readonly Case[], signal: AbortSignal): Promise<Intake> => {
    const good = cases.filter(({ verdict }) => !('error' in verdict))
    const refusals = cases.flatMap(({ delivery: { message }, verdict, settlement }) =>
      'error' in verdict ? [{ message, settlement, refusal: verdict }] : [],
    )
    const rejecting = Promise.all(
      refusals.map(({ message, settlement, refusal }) => reject(message, settlement, refusal)),
    )
    try {
      const rejected = await abortable(rejecting, signal)
      const held = refusals.find(({ refusal }) => refusal.disposition.action === 'hold')
      return { messages: good.flatMap(toMessage), rejected, outage: held?.refusal.error }
    } catch (error) {
      inBackground(rejecting)
      inBackground(release(good.map(({ settlement }) => settlement)))
      throw error
    }
  }

  const toMessage = ({ delivery, verdict, settlement }: Case): ReceivedMessage[] => {
    if ('error' in verdict) return []
    metrics.received(verdict.seal !== null)
    return [createReceivedMessage(delivery.message, verdict, settlement)]
  }

  return {
    async pull({ maxMessages, waitMs, signal }) {
      const deadline = clock.now() + waitMs
      const received = await turn.take({ waitMs: Math.max(waitMs, MIN_TURN_MS), signal }, () =>
        source.receive({ maxMessages, waitMs: Math.max(0, deadline - clock.now()), signal }),
      )
      if (received === undefined || received.length === 0) {
        // A transport that comes back early must not turn the loops above it into ones that never let go of the process.
        if (clock.now() < deadline) await new Promise((resolve) => setImmediate(resolve))
        return NOTHING
      }
      if (received.length > maxMessages) inBackground(abandon(received.slice(maxMessages)))
      const cases = await judgeAll(received.slice(0, maxMessages), signal)
      return handOut(cases, signal)
    },
  }
}
