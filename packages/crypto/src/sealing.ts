import { isQueueError, QueueError, type Seal } from '@queue-runtime/core'
import { errorClass, misconfigured, type QueueContext, type QueueProtection } from '@queue-runtime/core/provider'
import { encodeContext } from './associated-data.ts'
import { listAuthenticated } from './authenticated-attributes.ts'
import type { CryptoProvider } from './crypto-provider.ts'
import { DEFAULT_MAX_CIPHERTEXT_BYTES } from './envelope.ts'
import { type KeyProvider, lookUpCurrentKeyId } from './key-provider.ts'
import type { MessageCryptoOptions } from './options.ts'
import { padmeLength } from './padding.ts'
import type { SealLedger } from './seal-ledger.ts'
import type { CryptoTelemetry } from './telemetry.ts'

/** A client without `enabled` has keys to open with; sending by mistake must not ship plaintext. */
export const refuseToSend: QueueProtection['protect'] = async () => {
  throw misconfigured('enabled', 'was left out: this client only receives. Set it to true to seal what it sends.')
}

/** The debug mode of the specification: plaintext, with a warning per message. */
export const sendInClear =
  (telemetry: CryptoTelemetry): QueueProtection['protect'] =>
  async ({ messageId, body, attributes = {} }) => {
    telemetry.sentInClear(messageId)
    return { body, attributes, seal: null }
  }

interface SealingParts {
  readonly keyProvider: KeyProvider
  readonly cryptoProvider: CryptoProvider
  readonly ledger: SealLedger
}

/** Seals with the current key; the time is the due time of a scheduled message, so that its age starts when it can be read. */
export function createSealing(
  options: MessageCryptoOptions,
  { keyProvider, cryptoProvider, ledger }: SealingParts,
  { queue, clock, logger }: QueueContext,
  telemetry: CryptoTelemetry,
): QueueProtection['protect'] {
  const { audience, authenticatedAttributes = [], padding = 'none' } = options
  const { maxCiphertextBytes = DEFAULT_MAX_CIPHERTEXT_BYTES } = options

  /** What the receiver of these options would refuse unread is not sealed either. */
  const checkSize = ({ length }: Uint8Array, messageId: string): void => {
    const size = padding === 'padme' ? padmeLength(length + 1) : length
    if (size <= maxCiphertextBytes) return
    const facts = { size, maxSize: maxCiphertextBytes }
    throw new QueueError('MessageTooLarge', 'The body is longer than maxCiphertextBytes.', { facts, queue, messageId })
  }

  /** A cipher of the application's own may throw anything, in any way; its text may quote the body. */
  const encrypt: CryptoProvider['encrypt'] = async (...call) => {
    try {
      return await telemetry.encrypting(() => cryptoProvider.encrypt(...call))
    } catch (error) {
      if (isQueueError(error) || call[3]?.signal?.aborted) throw error
      throw new QueueError('EncryptionFailed', `Sealing failed (${errorClass(error)}).`)
    }
  }

  const warn = (fields: { key_id: string }, text: string): void =>
    logger.warn({ queue_name: queue, operation: 'send', ...fields }, text)

  return async ({ body, messageId, sessionId, correlationId, attributes = {}, deliverAt }, asked) => {
    const { signal } = asked
    checkSize(body, messageId)
    const { authenticated, carried } = listAuthenticated(attributes, asked.authenticated ?? authenticatedAttributes)
    const associatedData = encodeContext({ messageId, sessionId, correlationId, audience, attributes: authenticated })
    const keyId = await lookUpCurrentKeyId(keyProvider, { signal })
    ledger.record(keyId, queue, warn)
    // A due time that is past is no due time: sealed in, it would make the message old before it is sent.
    const encryptedAt = new Date(Math.max(clock.now(), deliverAt?.getTime() ?? 0))
    const sealed = await encrypt(keyId, body, associatedData, { encryptedAt, padding, signal })
    telemetry.sealed(messageId, keyId)
    const seal: Seal = { keyId, encryptedAt, audience: audience || undefined, attributes: authenticated }
    return { body: sealed.toBytes(), attributes: carried, seal }
  }
}
