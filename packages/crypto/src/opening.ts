import { QueueError, type Seal } from '@queue-runtime/core'
import { type IncomingMessage, isEncrypted, type QueueContext } from '@queue-runtime/core/provider'
import { encodeContext } from './associated-data.ts'
import { readAuthenticated } from './authenticated-attributes.ts'
import { type CryptoProvider, DEFAULT_CLOCK_SKEW_TOLERANCE_MS } from './crypto-provider.ts'
import { DEFAULT_MAX_CIPHERTEXT_BYTES, parseEnvelope } from './envelope.ts'
import { assertFresh, DEFAULT_MAX_MESSAGE_AGE_MS } from './freshness.ts'
import type { MessageCryptoOptions } from './options.ts'
import { createPlaintextGate } from './plaintext-policy.ts'
import type { CryptoTelemetry } from './telemetry.ts'

export type Purpose = 'deliver' | 'inspect'

/** A body and what proves it: null for plaintext that the policy lets pass. */
export interface Opened {
  readonly body: Uint8Array
  readonly proof: { readonly seal: Seal; readonly nonce: Uint8Array } | null
}

/** Rejects with the first check that fails. */
export type Opening = (message: IncomingMessage, purpose: Purpose, signal?: AbortSignal) => Promise<Opened>

/** The store knows whether an old message was accepted when it was fresh. */
const ANY_AGE = { maxMessageAgeMs: Number.POSITIVE_INFINITY }

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
 * Opens one message: marker, form, claimed time, key, tag, validity of the key. Whether it is a replay is not known yet; where
 * a nonce store can tell, nor is it refused here for its age (protocol.md 4).
 */
export function createOpening(
  options: MessageCryptoOptions,
  cryptoProvider: CryptoProvider | undefined,
  context: QueueContext,
  telemetry: CryptoTelemetry,
): Opening {
  const { clock } = context
  const {
    audience,
    validateFreshness = true,
    clockSkewToleranceMs = DEFAULT_CLOCK_SKEW_TOLERANCE_MS,
    maxCiphertextBytes = DEFAULT_MAX_CIPHERTEXT_BYTES,
  } = options
  const { maxMessageAgeMs = DEFAULT_MAX_MESSAGE_AGE_MS } = options.nonceStore === undefined ? options : ANY_AGE
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
    const body: unknown = await telemetry.decrypting(() =>
      cryptoProvider.decrypt(encrypted, associatedData, { signal }),
    )
    if (!(body instanceof Uint8Array)) throw new QueueError('KeyProviderError', 'The crypto provider gave no bytes.')
    const { keyId, encryptedAt, nonce } = encrypted
    return { body, proof: { seal: { keyId, encryptedAt, audience: audience || undefined, attributes }, nonce } }
  }

  return async (message, purpose, signal) => {
    const { malformed } = message
    if (malformed !== undefined) {
      const facts = { reason: malformed }
      throw new QueueError('InvalidEnvelope', `The message could not be decoded: ${malformed}.`, { facts })
    }
    if (isEncrypted(message.body)) return openSealed(message, purpose, signal)
    return { body: passPlaintext(message, purpose).body, proof: null }
  }
}
