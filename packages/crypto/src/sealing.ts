import { isQueueError, QueueError, type Seal } from '@queue-runtime/core'
import { errorClass, misconfigured, type QueueContext, type QueueProtection } from '@queue-runtime/core/provider'
import { encodeContext } from './associated-data.ts'
import { listAuthenticated } from './authenticated-attributes.ts'
import type { CryptoProvider } from './crypto-provider.ts'
import { DEFAULT_MAX_CIPHERTEXT_BYTES } from './envelope.ts'
import { type KeyProvider, lookUpCurrentKeyId } from './key-provider.ts'
import type { MessageCryptoOptions } from './options.ts'
import { padmeLength } from './padding.ts'
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

/** Seals with the current key; the time is the due time of a scheduled message, so that its age starts when it can be read. */
export function createSealing(
  options: MessageCryptoOptions,
  { keyProvider, cryptoProvider }: { keyProvider: KeyProvider; cryptoProvider: CryptoProvider },
  { queue, clock }: QueueContext,
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

  return async ({ body, messageId, sessionId, correlationId, attributes = {}, deliverAt }, { signal }) => {
    checkSize(body, messageId)
    const { authenticated, carried } = listAuthenticated(attributes, authenticatedAttributes)
    const associatedData = encodeContext({ messageId, sessionId, correlationId, audience, attributes: authenticated })
    const keyId = await lookUpCurrentKeyId(keyProvider, { signal })
    const encryptedAt = deliverAt ?? new Date(clock.now())
    const encryptOptions = { encryptedAt, padding, signal }
    const sealed = await cryptoProvider.encrypt(keyId, body, associatedData, encryptOptions).catch((error: unknown) => {
      if (signal?.aborted || isQueueError(error)) throw error
      throw new QueueError('EncryptionFailed', `Sealing failed (${errorClass(error)}).`, { queue, messageId })
    })
    telemetry.sealed(messageId, keyId)
    const seal: Seal = { keyId, encryptedAt, audience: audience || undefined, attributes: authenticated }
    return { body: sealed.toBytes(), attributes: carried, seal }
  }
}
