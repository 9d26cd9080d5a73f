import { QueueError } from '@queue-runtime/core'
import type { IncomingMessage, QueueContext, Unprotected } from '@queue-runtime/core/provider'
import type { MessageCryptoOptions } from './options.ts'
import type { CryptoTelemetry } from './telemetry.ts'

type Policy = NonNullable<MessageCryptoOptions['plaintextPolicy']>

/** How loud each policy is about a message without a seal (requirements X11). */
const LEVELS: Record<Policy, 'warn' | 'error'> = { allow: 'warn', 'allow-with-alert': 'error', reject: 'error' }

/** Hands a message without a seal over, or throws UnencryptedMessage. */
export function createPlaintextGate(
  options: MessageCryptoOptions,
  { queue, clock }: QueueContext,
  telemetry: CryptoTelemetry,
): (message: IncomingMessage, purpose: 'deliver' | 'inspect') => Extract<Unprotected, { body: Uint8Array }> {
  const { plaintextPolicy = 'allow', plaintextAllowedUntil } = options
  const currentPolicy = (): Policy =>
    plaintextAllowedUntil === undefined || clock.now() < plaintextAllowedUntil.getTime() ? plaintextPolicy : 'reject'

  return (message, purpose) => {
    const policy = currentPolicy()
    if (purpose === 'deliver') {
      telemetry.receivedInClear(message, LEVELS[policy])
      if (policy === 'allow-with-alert') telemetry.failed('UnencryptedMessage')
    }
    if (policy === 'reject') {
      const { messageId } = message
      throw new QueueError('UnencryptedMessage', 'The message is not sealed.', { queue, messageId })
    }
    return { body: message.body, seal: null, claim: null }
  }
}
