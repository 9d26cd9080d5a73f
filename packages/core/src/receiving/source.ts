import type { Context } from '@opentelemetry/api'
import { createWork } from '../base/work.ts'
import type { ClientParts } from '../client-parts.ts'
import type { TransportFeatures, TransportReceiver } from '../contracts/transport.ts'
import { createUnsettled, type Unsettled } from '../settling/unsettled.ts'
import { type DelayingReceiver, withDelayedAbandon } from './delayed-abandon.ts'
import { createHolding } from './holding.ts'
import { createPuller, type Puller } from './intake.ts'
import { createReceiver, type Receiver } from './receiver.ts'
import { createTaking, type Taking } from './taking.ts'
import { createTurn, type Turn } from './turn.ts'

/** One receiver of a transport with all that stands around it: the queue itself, or a session. */
export interface Source extends Receiver, Puller {
  /** True while messages wait here for the end of an outage, or of the delay that they were abandoned with. */
  readonly isHolding: boolean
  readonly unsettled: Unsettled
  readonly taking: Taking
  /** Gives back what is held and what was not settled, then closes the transport's receiver. */
  close(): Promise<void>
}

interface SourceParts {
  readonly receiver: TransportReceiver
  readonly features: TransportFeatures
  /** A session: what is abandoned with a delay comes before all that follows it. */
  readonly isOrdered: boolean
  /** Aborts when this source closes. */
  readonly closing: AbortSignal
  /** The span of a session: that of what happens in it hangs below. */
  readonly session?: Context | undefined
  /** Shared by all that receive from one transport. Default one of its own. */
  readonly turn?: Turn
}

export function openSource(
  parts: ClientParts,
  { receiver, features, isOrdered, closing, session, turn = createTurn(parts.clock) }: SourceParts,
): Source {
  const { queue, judge, reject, watch, gate, clock, logger, metrics, tracing, retry, makeBackoff } = parts
  /** What closing waits for. */
  const work = createWork()
  const inBackground = (task: Promise<unknown>): void => void work.track(task)
  const unsettled = createUnsettled(clock)
  const taking = createTaking({ queue, watch, unsettled })
  const delaying: TransportReceiver & Partial<DelayingReceiver> = features.abandonDelay
    ? receiver
    : withDelayedAbandon(receiver, { clock, signal: closing, isOrdered, inBackground })
  const puller = createPuller({
    ...{
      receiver: delaying,
      isOrdered,
      turn,
      gate,
      judge,
      reject,
      taking,
      metrics,
      tracing,
      session,
      clock,
      inBackground,
    },
    makeHolding: (onChange) =>
      createHolding({
        ...{ queue, judge, reject, taking, gate, clock, logger, makeBackoff, closing, inBackground, onChange },
      }),
  })
  const pull: Puller['pull'] = (options) => work.track(puller.pull(options))
  return {
    ...createReceiver({ pull, clock, retry, makeBackoff }),
    pull,
    letGo: (sessionId) => puller.letGo(sessionId),
    get isHolding() {
      return puller.isHolding || delaying.isDelaying === true
    },
    unsettled,
    taking,
    async close() {
      await puller.stop()
      await work.ended()
      await unsettled.release()
      await delaying.close()
    },
  }
}
