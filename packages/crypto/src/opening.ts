import { isQueueError, QueueError, type Seal } from '@queue-runtime/core'
import {
  errorClass,
  type IncomingMessage,
  isEncrypted,
  locate,
  type QueueContext,
  type QueueProtection,
  type Unprotected,
} from '@queue-runtime/core/provider'
import { encodeContext } from './associated-data.ts'
import { readAuthenticated } from './authenticated-attributes.ts'
import { type CryptoProvider, DEFAULT_CLOCK_SKEW_TOLERANCE_MS } from './crypto-provider.ts'
import { dispositionOf } from './disposition.ts'
import { DEFAULT_MAX_CIPHERTEXT_BYTES, parseEnvelope } from './envelope.ts'
import { assertFresh, DEFAULT_MAX_MESSAGE_AGE_MS } from './freshness.ts'
import type { MessageCryptoOptions } from './options.ts'
import { createPlaintextGate } from './plaintext-policy.ts'
import type { CryptoTelemetry } from './telemetry.ts'

type Opened = Extract<Unprotected, { body: Uint8Array }>
type Purpose = 'deliver' | 'inspect'

/** The context of what arrived. One that no sender could have sealed is not authentic. */
const encodeIncoming = (
  message: IncomingMessage,
  audience: string | undefined,
  attributes: Readonly<Record<string, string>>,
): Uint8Array => {
  try {
    return encodeContext({ ...message, audience, attributes })
  } catch {
    throw new QueueError('AuthenticationFailed', 'The message is not authentic.')
  }
}

/**
 * Opens messages one by one: marker, form, claimed time, key, tag, validity of the key. The first check that fails decides,
 * and what it found becomes a value, so that one bad message never hides a good one.
 */
export function createOpening(
  options: MessageCryptoOptions,
  cryptoProvider: CryptoProvider | undefined,
  context: QueueContext,
  telemetry: CryptoTelemetry,
): QueueProtection['unprotect'] {
  const { queue, clock } = context
  const {
    audience,
    validateFreshness = true,
    maxMessageAgeMs = DEFAULT_MAX_MESSAGE_AGE_MS,
    clockSkewToleranceMs = DEFAULT_CLOCK_SKEW_TOLERANCE_MS,
    maxCiphertextBytes = DEFAULT_MAX_CIPHERTEXT_BYTES,
  } = options
  const passPlaintext = createPlaintextGate(options, context, telemetry)

  const openSealed = async (message: IncomingMessage, purpose: Purpose, signal?: AbortSignal): Promise<Opened> => {
    const encrypted = parseEnvelope(message.body, maxCiphertextBytes)
    if (cryptoProvider === undefined) {
      throw new QueueError('KeyProviderMissing', 'The message is sealed and there is no keyProvider to open it with.')
    }
    if (validateFreshness && purpose === 'deliver') {
      assertFresh(encrypted.encryptedAt, { maxMessageAgeMs, clockSkewToleranceMs, clock })
    }
    const attributes = readAuthenticated(message.attributes)
    const associatedData = encodeIncoming(message, audience, attributes)
    const body = await cryptoProvider.decrypt(encrypted, associatedData, { signal })
    const { keyId, encryptedAt } = encrypted
    const seal: Seal = { keyId, encryptedAt, audience: audience || undefined, attributes }
    if (purpose === 'deliver') telemetry.opened(message, seal)
    return { body, seal, claim: null }
  }

  const open = async (message: IncomingMessage, purpose: Purpose, signal?: AbortSignal): Promise<Opened> => {
    const { malformed } = message
    if (malformed !== undefined) {
      const facts = { reason: malformed }
      throw new QueueError('InvalidEnvelope', `The message could not be decoded: ${malformed}.`, { facts })
    }
    return isEncrypted(message.body) ? openSealed(message, purpose, signal) : passPlaintext(message, purpose)
  }

  /** What is no QueueError came from a cipher of the application's own: an outage like that of a key store. */
  const asQueueError = (error: unknown): QueueError =>
    isQueueError(error) ? error : new QueueError('KeyProviderError', `Opening failed (${errorClass(error)}).`)

  const unprotectOne = async (
    message: IncomingMessage,
    purpose: Purpose,
    signal?: AbortSignal,
  ): Promise<Unprotected> => {
    try {
      return await open(message, purpose, signal)
    } catch (thrown) {
      if (signal?.aborted) throw signal.reason
      const error = locate(asQueueError(thrown), { queue, operation: 'receive', messageId: message.messageId })
      telemetry.failed(error.code)
      return { error, disposition: dispositionOf(error.code, message.deliveryCount) }
    }
  }

  return async (messages, { purpose, signal }) =>
    Promise.all(messages.map((message) => unprotectOne(message, purpose, signal)))
}
