import type { Logger } from '../base/logger.ts'
import { logFields } from '../message/facts.ts'
import type { MessageFacts } from '../message/message.ts'
import type { ClientMetrics } from '../telemetry/metrics.ts'
import type { ClientTracing } from '../telemetry/tracing.ts'

/** Runs what settles a message, in a span, and counts it where it went well. `reason`: that of a dead letter. */
export type WatchSettling = (
  operation: 'complete' | 'abandon' | 'deadLetter',
  message: MessageFacts,
  act: () => Promise<void>,
  reason?: string,
) => Promise<void>

interface WatchParts {
  readonly queue: string
  readonly logger: Logger
  readonly metrics: ClientMetrics
  readonly tracing: ClientTracing
}

export function createWatchSettling({ queue, logger, metrics, tracing }: WatchParts): WatchSettling {
  /** What is done once the broker has settled it. */
  const done = {
    complete: (begunMs: number) => {
      metrics.completed()
      metrics.completeTook((performance.now() - begunMs) / 1_000)
    },
    abandon: () => metrics.abandoned(),
    deadLetter: (_: number, message: MessageFacts, reason = '') => {
      metrics.deadLettered(reason)
      logger.error({ ...logFields(queue, 'deadLetter', message), reason }, 'Message moved to the dead-letter queue')
    },
  }
  return async (operation, message, act, reason) => {
    const begunMs = performance.now()
    try {
      await tracing.settling(operation, message, act)
    } catch (error) {
      metrics.failed(operation, error)
      throw error
    }
    done[operation](begunMs, message, reason)
  }
}
