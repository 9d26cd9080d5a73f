import type { Clock } from './base/clock.ts'
import type { Logger } from './base/logger.ts'
import type { Work } from './base/work.ts'
import type { QueueProtection } from './contracts/protection.ts'
import type { Judge } from './receiving/judge.ts'
import type { Reject } from './receiving/rejecting.ts'
import type { MakeBackoff } from './resilience/backoff.ts'
import type { Gate } from './resilience/gate.ts'
import type { Retry } from './resilience/retry.ts'
import type { WatchSettling } from './settling/watch-settling.ts'
import type { ClientMetrics } from './telemetry/metrics.ts'
import type { ClientTracing } from './telemetry/tracing.ts'

/** What the rooms of one client share. */
export interface ClientParts {
  readonly queue: string
  readonly providerName: string
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: ClientMetrics
  readonly tracing: ClientTracing
  readonly protection: QueueProtection
  readonly judge: Judge
  readonly reject: Reject
  readonly watch: WatchSettling
  readonly gate: Gate
  readonly retry: Retry
  readonly makeBackoff: MakeBackoff
  /** What closing waits for. */
  readonly work: Work
  /** Aborts when the client closes. */
  readonly closing: AbortSignal
}
