import { systemClock } from './base/clock.ts'
import { errorClass } from './base/errors.ts'
import { resolveLogger } from './base/logger.ts'
import { createWork } from './base/work.ts'
import type { QueueClientOptions } from './client-options.ts'
import type { ClientParts } from './client-parts.ts'
import { noProtection } from './contracts/no-protection.ts'
import type { MessageProtection, QueueContext, QueueProtection } from './contracts/protection.ts'
import type { QueueTransport } from './contracts/transport.ts'
import { createJudge } from './receiving/judge.ts'
import { createRejecting } from './receiving/rejecting.ts'
import { backoffMaker } from './resilience/backoff.ts'
import { createGate, type GateState } from './resilience/gate.ts'
import { createRetry, retrySettings } from './resilience/retry.ts'
import { createWatchSettling } from './settling/watch-settling.ts'
import { lateMeter } from './telemetry/meter.ts'
import { clientMetrics } from './telemetry/metrics.ts'
import { clientTracing } from './telemetry/tracing.ts'

/** A protection that refuses its configuration must not leave the transport behind. */
const openProtection = (
  crypto: MessageProtection,
  context: QueueContext,
  transport: QueueTransport,
): QueueProtection => {
  try {
    return crypto.open(context)
  } catch (error) {
    transport.close().catch(() => {})
    throw error
  }
}

/** Requirements O3. */
const GATE_GAUGE: Record<GateState, 0 | 1 | 2> = { closed: 0, open: 1, 'half-open': 2 }

/** Makes what the rooms of a client share, with everything that is random or depends on time in one place. */
export function openClient(
  options: QueueClientOptions,
  closing: AbortSignal,
): { readonly parts: ClientParts; readonly transport: QueueTransport } {
  const { provider, queue, maxDeliveries, onRejected, clock = systemClock } = options
  const logger = resolveLogger(options.logger)
  const meter = lateMeter(options.meterProvider)
  const transport = provider.open(queue)
  const context: QueueContext = { queue, lockMs: transport.lockMs, maxDeliveries, logger, meter, clock }
  const protection = openProtection(options.crypto ?? noProtection, context, transport)
  const metrics = clientMetrics(meter, queue)
  const tracing = clientTracing({ tracerProvider: options.tracerProvider, system: provider.name, queue })
  const settings = retrySettings(options.retry)
  const { random } = Math
  metrics.gate(GATE_GAUGE.closed)

  const onRetry = (operation: string, error: unknown, pauseMs: number): void => {
    metrics.retried(pauseMs / 1_000)
    const fields = { queue_name: queue, operation, error_type: errorClass(error), pause_ms: Math.round(pauseMs) }
    logger.warn(fields, 'Trying again')
  }

  const parts: ClientParts = {
    ...{ queue, providerName: provider.name, clock, logger, metrics, tracing, protection, closing },
    judge: createJudge({ queue, protection, maxDeliveries, clock }),
    reject: createRejecting(queue, logger, onRejected),
    watch: createWatchSettling({ queue, logger, metrics, tracing }),
    gate: createGate({ queue, clock, logger, onState: (state) => metrics.gate(GATE_GAUGE[state]) }),
    retry: createRetry(settings, { clock, random, onRetry }),
    makeBackoff: backoffMaker(settings, clock, random),
    work: createWork(),
  }
  return { parts, transport }
}
