import type { Attributes } from '@opentelemetry/api'
import { errorType } from './error-type.ts'
import type { ClientMeter } from './meter.ts'

/** What one client measures. Durations are in seconds. The names are those that Prometheus shows. */
export interface ClientMetrics {
  /** Also tells whether this queue is sent to with encryption. */
  sent(encrypted: boolean, status: 'success' | 'error'): void
  received(encrypted: boolean): void
  completed(): void
  abandoned(): void
  deadLettered(reason: string): void
  failed(operation: string, error: unknown): void
  /** A call is tried again after this delay. */
  retried(delaySeconds: number): void
  sessionAccepted(): void
  /** The session was open for so long. */
  sessionClosed(seconds: number): void
  /** 0 closed, 1 open, 2 half-open. */
  gate(state: 0 | 1 | 2): void
  depth(messages: number): void
  /** A handler begins (1) or ends (-1). */
  handling(change: 1 | -1): void
  sendTook(seconds: number): void
  receiveTook(seconds: number): void
  completeTook(seconds: number): void
  handlingTook(seconds: number): void
}

/**
 * The reasons of protocol.md 4.2. Whoever writes another one, an application or a protection that is not ours, may write an id
 * into it: such reasons are counted together as `other`, since each value of a label is a series that lives for ever (O6).
 */
const REASONS: ReadonlySet<string> = new Set([
  'qr.expired',
  'qr.invalid-body',
  'qr.max-deliveries',
  'qr.rejected',
  'qr.replayed',
  'qr.unreadable',
])

/** Bucket boundaries in seconds. A settlement is one broker call, as a send is; retries wait from a second to the longest run. */
const BROKER_CALL = [0.001, 0.01, 0.1, 1, 5]
const RECEIVE = [0.001, 0.01, 0.1, 1, 20]
const HANDLING = [0.001, 0.01, 0.1, 1, 10, 60, 300]
const SESSION = [1, 10, 60, 300, 1_800, 3_600]
const RETRY_DELAY = [0.1, 0.5, 1, 2, 5, 10, 30, 60, 300]

/**
 * Makes the instruments of one queue. Only durations carry a unit: some exporters append any other one to the name. Labels hold
 * no message, session or correlation id.
 */
export function clientMetrics(meter: ClientMeter, queue: string): ClientMetrics {
  const labels: Attributes = { queue }
  const counter = (name: string, description: string) => meter.createCounter(name, { description })
  const count = (name: string, description: string): (() => void) => {
    const counted = counter(name, description)
    return () => counted.add(1, labels)
  }
  const gauge = (name: string, description: string): ((value: number) => void) => {
    const shown = meter.createGauge(name, { description })
    return (value) => shown.record(value, labels)
  }
  const level = (name: string, description: string) => meter.createLevel(name, { description }, labels)
  const seconds = (name: string, boundaries: number[], description: string): ((value: number) => void) => {
    const advice = { explicitBucketBoundaries: boundaries }
    const histogram = meter.createHistogram(name, { description, unit: 's', advice })
    return (value) => histogram.record(value, labels)
  }

  const sent = counter('queue_messages_sent_total', 'Messages handed to the broker')
  const received = counter('queue_messages_received_total', 'Messages handed to the application')
  const deadLettered = counter('queue_messages_dead_lettered_total', 'Messages moved to the dead letters, by reason')
  const errors = counter('queue_errors_total', 'Calls that failed')
  const retries = count('queue_retry_attempts_total', 'Calls that were tried again')
  const retryDelay = seconds('queue_retry_delay_seconds', RETRY_DELAY, 'How long was waited before trying again')
  const accepted = count('queue_sessions_accepted_total', 'Sessions that were locked')
  const closed = count('queue_sessions_closed_total', 'Sessions that were let go')
  const activeSessions = level('queue_active_sessions', 'Sessions that this process holds')
  const sessionDuration = seconds('queue_session_duration_seconds', SESSION, 'How long a session was held')
  const encryption = gauge('queue_crypto_enabled', '1 where the last message was sent with encryption, else 0')

  return {
    sent(encrypted, status) {
      sent.add(1, { queue, encrypted: String(encrypted), status })
      encryption(encrypted ? 1 : 0)
    },
    received: (encrypted) => received.add(1, { queue, encrypted: String(encrypted) }),
    completed: count('queue_messages_completed_total', 'Messages completed at the broker'),
    abandoned: count('queue_messages_abandoned_total', 'Messages handed back to the broker'),
    deadLettered: (reason) => deadLettered.add(1, { queue, reason: REASONS.has(reason) ? reason : 'other' }),
    failed: (operation, error) => errors.add(1, { queue, operation, error_type: errorType(error) }),
    retried(delaySeconds) {
      retries()
      retryDelay(delaySeconds)
    },
    sessionAccepted() {
      accepted()
      activeSessions(1)
    },
    sessionClosed(duration) {
      closed()
      activeSessions(-1)
      sessionDuration(duration)
    },
    gate: gauge('queue_circuit_breaker_state', '0 closed, 1 open, 2 half-open'),
    depth: gauge('queue_depth', 'Messages in the queue, as far as the broker tells'),
    handling: level('queue_processing_messages', 'Messages that handlers are working on in this process'),
    sendTook: seconds('queue_send_duration_seconds', BROKER_CALL, 'How long a send took'),
    receiveTook: seconds('queue_receive_duration_seconds', RECEIVE, 'How long a receive took'),
    completeTook: seconds('queue_complete_duration_seconds', BROKER_CALL, 'How long completing a message took'),
    handlingTook: seconds('queue_message_processing_duration_seconds', HANDLING, 'How long a handler took'),
  }
}
