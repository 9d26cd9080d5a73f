import { invalid } from '../base/check.ts'
import { QueueError } from '../base/errors.ts'
import { isEncrypted } from '../base/marker.ts'
import { abortable, linkSignals } from '../base/signals.ts'
import type { ProtectedBody, QueueProtection, UnprotectedMessage } from '../contracts/protection.ts'
import type { QueueTransport } from '../contracts/transport.ts'
import type { OutgoingMessage } from '../message/message.ts'
import { validateMessage } from '../message/validate.ts'
import type { WireBody, WireMessage } from '../message/wire.ts'
import type { ClientMetrics } from '../telemetry/telemetry.ts'

/** What became of one message: its id, or why it was not sent. */
type Outcome = { readonly messageId: string } | { readonly error: QueueError }

interface SenderParts {
  readonly queue: string
  readonly providerName: string
  readonly transport: QueueTransport
  readonly protection: QueueProtection
  readonly metrics: ClientMetrics
  /** Aborts when the client closes. */
  readonly closing: AbortSignal
}

/** Sends in three steps: validate all, protect all, hand all to the transport. Nothing is sent unless each step took every message. */
export interface Sender {
  send(message: OutgoingMessage, signal: AbortSignal): Promise<{ messageId: string }>
  sendBatch(messages: readonly OutgoingMessage[], signal: AbortSignal): Promise<{ messageId: string }[]>
}

export function createSender(parts: SenderParts): Sender {
  const { queue, providerName, transport, protection, metrics, closing } = parts

  const toWire = (message: UnprotectedMessage, { body, attributes, seal }: ProtectedBody): WireMessage => {
    if (seal === null && isEncrypted(body)) {
      const text = 'A plaintext body must not begin with QRE1, the marker of a sealed one.'
      throw new QueueError('ReservedMarker', text, { queue, operation: 'send', messageId: message.messageId })
    }
    if (seal !== null && !isEncrypted(body)) {
      const text = 'The protection called a body sealed that is not.'
      throw new QueueError('EncryptionFailed', text, { queue, operation: 'send', messageId: message.messageId })
    }
    return { ...message, attributes, deduplicationId: message.messageId, body: body as WireBody }
  }

  /** Closing ends what only prepares a send; what the broker was asked is waited for. */
  const protectAll = async (messages: readonly UnprotectedMessage[], signal: AbortSignal): Promise<ProtectedBody[]> => {
    const linked = linkSignals(signal, closing)
    const protecting = messages.map(async (message) => protection.protect(message, { signal: linked.signal }))
    try {
      return await abortable(Promise.all(protecting), linked.signal)
    } finally {
      linked.unlink()
    }
  }

  /** A broker that does not say what became of a message has not taken it. */
  const errorOf = (outcome: { readonly error: QueueError | null } | undefined): QueueError | null => {
    if (outcome?.error === null) return null
    const facts = { provider: providerName, providerCode: 'no-outcome' }
    return (
      outcome?.error ?? new QueueError('ProviderError', 'The provider told no outcome of the send.', { facts, queue })
    )
  }

  const sendAll = async (messages: readonly UnprotectedMessage[], signal: AbortSignal): Promise<Outcome[]> => {
    const bodies = await protectAll(messages, signal)
    const wire = messages.map((message, index) => toWire(message, bodies[index] as ProtectedBody))
    const count = (index: number, status: 'success' | 'error'): void =>
      metrics.sent(bodies[index]?.seal !== null, status)
    try {
      const results = await transport.send(wire, { signal })
      return wire.map(({ messageId }, index) => {
        const error = errorOf(results?.[index])
        count(index, error === null ? 'success' : 'error')
        return error === null ? { messageId } : { error }
      })
    } catch (error) {
      for (const index of wire.keys()) count(index, 'error')
      throw error
    }
  }

  return {
    async send(message, signal) {
      const [outcome] = await sendAll([validateMessage(message, transport.features)], signal)
      if (outcome !== undefined && 'messageId' in outcome) return outcome
      throw outcome?.error
    },
    async sendBatch(messages, signal) {
      if (!Array.isArray(messages)) throw invalid('messages', 'invalid-format', 'must be an array.')
      if (messages.length === 0) return []
      const checked = Array.from(messages, (message, at) =>
        validateMessage(message, transport.features, `messages[${at}].`),
      )
      const outcomes = await sendAll(checked, signal)
      const sent = outcomes.filter((outcome) => 'messageId' in outcome)
      if (sent.length === outcomes.length) return sent
      const text = `${outcomes.length - sent.length} of ${outcomes.length} messages were not sent.`
      throw new QueueError('BatchPartiallyFailed', text, { facts: { outcomes }, queue, operation: 'sendBatch' })
    },
  }
}
