import type { Clock } from '../base/clock.ts'
import type { Delivery, TransportReceiver } from '../contracts/transport.ts'
import { isPermanent } from '../resilience/backoff.ts'
import { type Gate, type Passage, PROBE_MS } from '../resilience/gate.ts'
import type { ClientMetrics } from '../telemetry/metrics.ts'
import { handBack } from './give-back.ts'
import type { Turn } from './turn.ts'

interface AskOptions {
  readonly maxMessages: number
  /** The moment until which it may wait. */
  readonly deadline: number
  readonly signal: AbortSignal
}

/** What the broker delivered: one or more. The passage is to be told what came of them. */
interface Answer {
  readonly deliveries: readonly Delivery[]
  readonly passage: Passage
}

/**
 * Asks the broker once, through the gate, one caller at a time. Resolves with undefined where there was nothing, or the turn did
 * not come in time.
 *
 * @throws CircuitOpen
 */
export type Ask = (options: AskOptions) => Promise<Answer | undefined>

interface AskingParts {
  readonly receiver: TransportReceiver
  /** That of all who receive from the transport. */
  readonly turn: Turn
  /** True while nothing may be received, for the sake of order. */
  readonly mustWait: () => boolean
  readonly gate: Gate
  readonly clock: Clock
  readonly metrics: ClientMetrics
  readonly inBackground: (work: Promise<unknown>) => void
}

/** Somebody else may be looking at the queue for a moment; a look without a wait stands in line for so long, in milliseconds. */
const MIN_TURN_MS = 100

/** A transport that comes back with nothing before its time is asked no more often than this, in milliseconds. */
const MIN_LOOK_MS = 100

export function createAsking(parts: AskingParts): Ask {
  const { receiver, turn, mustWait, gate, clock, metrics, inBackground } = parts

  /** Waits out what is left, up to a moment. */
  const sleepUntil = (moment: number, signal: AbortSignal): Promise<void> =>
    clock.sleep(Math.max(0, moment - clock.now()), signal)

  const receive = async (passage: Passage, { maxMessages, deadline, signal }: AskOptions): Promise<Delivery[]> => {
    const begun = clock.now()
    const begunMs = performance.now()
    const left = Math.max(0, deadline - begun)
    const [most, waitMs] = passage.isProbe ? [1, Math.min(left, PROBE_MS)] : [maxMessages, left]
    const deliveries = await receiver.receive({ maxMessages: most, waitMs, signal })
    if (deliveries.length > 0) metrics.receiveTook((performance.now() - begunMs) / 1_000)
    else await sleepUntil(begun + Math.min(waitMs, MIN_LOOK_MS), signal)
    if (deliveries.length > most) inBackground(handBack(deliveries.slice(most)))
    return deliveries.slice(0, most)
  }

  const ask = async (options: AskOptions): Promise<Answer | undefined> => {
    const passage = gate.enter('receive')
    if (mustWait()) {
      passage.left()
      await sleepUntil(options.deadline, options.signal)
      return undefined
    }
    try {
      const deliveries = await receive(passage, options)
      if (deliveries.length > 0) return { deliveries, passage }
      passage.succeeded()
      return undefined
    } catch (error) {
      if (options.signal.aborted || isPermanent(error)) passage.left()
      else passage.failed(error)
      throw error
    }
  }

  return async (options) => {
    // A turn may be long in coming behind a look that began before the outage.
    gate.throwIfOpen('receive')
    const waitMs = Math.max(options.deadline - clock.now(), MIN_TURN_MS)
    return turn.take({ waitMs, signal: options.signal }, () => ask(options))
  }
}
