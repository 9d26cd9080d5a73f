import type { ErrorCode, MessageFacts, Seal } from '@queue-runtime/core'
import { errorLabel, logFields, type QueueContext } from '@queue-runtime/core/provider'
import type { EncryptionKey } from './encryption-key.ts'

/** The lines and measures of requirements O1–O4 and O8 that are crypto's. None holds a body or a key. */
export interface CryptoTelemetry {
  /** Runs the cipher and measures how long it took, the lookup of the key included. */
  encrypting<T>(cipher: () => Promise<T>): Promise<T>
  decrypting<T>(cipher: () => Promise<T>): Promise<T>
  sealed(messageId: string, keyId: string): void
  sentInClear(messageId: string): void
  opened(message: MessageFacts, seal: Seal): void
  receivedInClear(message: MessageFacts, level: 'warn' | 'error'): void
  failed(code: ErrorCode): void
  /** Told of each key that the provider gives. */
  seen(key: EncryptionKey): void
}

/** From a few microseconds, the bare cipher, to a second, a slow key store. */
const CIPHER_SECONDS = [1e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 5e-3, 0.01, 0.05, 0.1, 1]

/** Around the default limits of age: 5 minutes without a nonce store, a day with one. */
const AGE_SECONDS = [0.1, 1, 5, 15, 60, 150, 300, 900, 3_600, 21_600, 86_400]

const seconds = (boundaries: number[], description: string) => ({
  description,
  unit: 's',
  advice: { explicitBucketBoundaries: boundaries },
})

export function cryptoTelemetry({ queue, logger, meter, clock }: QueueContext): CryptoTelemetry {
  const errors = meter.createCounter('queue_crypto_errors_total', {
    description: 'Messages that could not be opened, or plaintext that raised an alert',
  })
  const seals = meter.createCounter('queue_crypto_key_seals_total', {
    description: 'Messages that this process sealed with a key; alert where the sum over all senders reaches 2^31',
  })
  const created = meter.createGauge('queue_crypto_key_created_timestamp', {
    description: 'When a key was made, in seconds since 1970',
    unit: 's',
  })
  const encryption = meter.createHistogram(
    'queue_crypto_encrypt_duration_seconds',
    seconds(CIPHER_SECONDS, 'How long sealing a body took'),
  )
  const decryption = meter.createHistogram(
    'queue_crypto_decrypt_duration_seconds',
    seconds(CIPHER_SECONDS, 'How long opening a body took'),
  )
  const age = meter.createHistogram(
    'queue_crypto_message_age_seconds',
    seconds(AGE_SECONDS, 'How old sealed messages were when they were opened; alert at half of maxMessageAgeMs'),
  )
  const sendFields = { queue_name: queue, operation: 'send' }

  const timed =
    (histogram: typeof encryption): CryptoTelemetry['encrypting'] =>
    async (cipher) => {
      const begunMs = performance.now()
      try {
        return await cipher()
      } finally {
        histogram.record((performance.now() - begunMs) / 1_000, { queue })
      }
    }

  return {
    encrypting: timed(encryption),
    decrypting: timed(decryption),
    sealed(messageId, keyId) {
      seals.add(1, { key_id: keyId })
      const fields = { ...sendFields, message_id: messageId, encrypted: true, key_id: keyId }
      logger.info(fields, 'Message sent with encryption')
    },
    sentInClear(messageId) {
      logger.warn({ ...sendFields, message_id: messageId, encrypted: false }, 'Message sent WITHOUT encryption')
    },
    opened(message, seal) {
      age.record((clock.now() - seal.encryptedAt.getTime()) / 1_000, { queue })
      const fields = { ...logFields(queue, 'receive', message), encrypted: true, key_id: seal.keyId }
      logger.info(fields, 'Message received with encryption')
    },
    receivedInClear(message, level) {
      const fields = { ...logFields(queue, 'receive', message), encrypted: false }
      logger[level](fields, 'Message received WITHOUT encryption')
    },
    failed: (code) => errors.add(1, { queue, error_type: errorLabel(code) }),
    seen({ id, createdAt }) {
      if (createdAt !== undefined) created.record(createdAt.getTime() / 1_000, { key_id: id })
    },
  }
}
