import type { ErrorCode, MessageFacts, Seal } from '@queue-runtime/core'
import { errorLabel, logFields, type QueueContext } from '@queue-runtime/core/provider'

/** The lines and counts of requirements O1, O2 and O8 that are crypto's. None holds a body or a key. */
export interface CryptoTelemetry {
  sealed(messageId: string, keyId: string): void
  sentInClear(messageId: string): void
  opened(message: MessageFacts, seal: Seal): void
  receivedInClear(message: MessageFacts, level: 'warn' | 'error'): void
  failed(code: ErrorCode): void
}

export function cryptoTelemetry({ queue, logger, meter }: QueueContext): CryptoTelemetry {
  const errors = meter.createCounter('queue_crypto_errors_total', {
    description: 'Messages that could not be opened, or plaintext that raised an alert',
  })
  const sendFields = { queue_name: queue, operation: 'send' }
  return {
    sealed(messageId, keyId) {
      const fields = { ...sendFields, message_id: messageId, encrypted: true, key_id: keyId }
      logger.info(fields, 'Message sent with encryption')
    },
    sentInClear(messageId) {
      logger.warn({ ...sendFields, message_id: messageId, encrypted: false }, 'Message sent WITHOUT encryption')
    },
    opened(message, seal) {
      const fields = { ...logFields(queue, 'receive', message), encrypted: true, key_id: seal.keyId }
      logger.info(fields, 'Message received with encryption')
    },
    receivedInClear(message, level) {
      const fields = { ...logFields(queue, 'receive', message), encrypted: false }
      logger[level](fields, 'Message received WITHOUT encryption')
    },
    failed: (code) => errors.add(1, { queue, error_type: errorLabel(code) }),
  }
}
