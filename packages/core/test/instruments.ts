import { DataPointType, type MetricData } from '@opentelemetry/sdk-metrics'
import { QueueError } from '../src/index.ts'
import type { ClientMetrics } from '../src/telemetry/metrics.ts'

const CALL = [0.001, 0.01, 0.1, 1, 5]

type Kind = 'counter' | 'level' | 'gauge' | 'histogram'

export const kindOf = (data: MetricData): Kind | undefined => {
  if (data.dataPointType === DataPointType.SUM) return data.isMonotonic ? 'counter' : 'level'
  if (data.dataPointType === DataPointType.GAUGE) return 'gauge'
  return data.dataPointType === DataPointType.HISTOGRAM ? 'histogram' : undefined
}

/** Every instrument of core in O1, O3 and O4: its kind, labels beside `queue`, and bucket boundaries. */
export const INSTRUMENTS: Record<string, { type: Kind; labels?: string[]; boundaries?: number[] }> = {
  queue_messages_sent_total: { type: 'counter', labels: ['encrypted', 'status'] },
  queue_messages_received_total: { type: 'counter', labels: ['encrypted'] },
  queue_messages_completed_total: { type: 'counter' },
  queue_messages_abandoned_total: { type: 'counter' },
  queue_messages_dead_lettered_total: { type: 'counter', labels: ['reason'] },
  queue_errors_total: { type: 'counter', labels: ['error_type', 'operation'] },
  queue_retry_attempts_total: { type: 'counter' },
  queue_sessions_accepted_total: { type: 'counter' },
  queue_sessions_closed_total: { type: 'counter' },
  queue_crypto_enabled: { type: 'gauge' },
  queue_circuit_breaker_state: { type: 'gauge' },
  queue_depth: { type: 'gauge' },
  queue_active_sessions: { type: 'level' },
  queue_processing_messages: { type: 'level' },
  queue_send_duration_seconds: { type: 'histogram', boundaries: CALL },
  queue_receive_duration_seconds: { type: 'histogram', boundaries: [0.001, 0.01, 0.1, 1, 20] },
  queue_complete_duration_seconds: { type: 'histogram', boundaries: CALL },
  queue_message_processing_duration_seconds: { type: 'histogram', boundaries: [0.001, 0.01, 0.1, 1, 10, 60, 300] },
  queue_session_duration_seconds: { type: 'histogram', boundaries: [1, 10, 60, 300, 1_800, 3_600] },
  queue_retry_delay_seconds: { type: 'histogram', boundaries: [0.1, 0.5, 1, 2, 5, 10, 30, 60, 300] },
}

/** Lets every instrument measure once. */
export const measureAll = (measured: ClientMetrics): void => {
  measured.sent(true, 'success')
  measured.received(false)
  measured.completed()
  measured.abandoned()
  measured.deadLettered('qr.expired')
  measured.failed('send', new QueueError('Timeout', 'Too late.'))
  measured.retried(1)
  measured.sessionAccepted()
  measured.sessionClosed(30)
  measured.gate(1)
  measured.depth(7)
  measured.handling(1)
  measured.sendTook(0.05)
  measured.receiveTook(0.05)
  measured.completeTook(0.05)
  measured.handlingTook(0.05)
}
