import { invalid } from './check.ts'
import { QueueError } from './errors.ts'
import { isEncrypted } from './marker.ts'
import type { OutgoingMessage } from './message.ts'
import type { ProtectedBody, QueueProtection, UnprotectedMessage } from './protection.ts'
import { abortable } from './signals.ts'
import type { ClientMetrics } from './telemetry.ts'
import type { QueueTransport } from './transport.ts'
import { validateMessage } from './validate.ts'
import type { WireBody, WireMessage } from './wire.ts'

/** What became of one message: its id, or why it was not sent. */
type Outcome = { readonly messageId: string } | { readonly error: QueueError }

interface SenderParts {
  readonly queue: string
  readonly transport: QueueTransport
  readonly protection: QueueProtection
  readonly metrics: ClientMetrics
}

/** Sends in three steps: validate all, protect all, hand all to the transport. Nothing is sent unless each step took every message. */
export interface Sender {
  send(message: OutgoingMessage, signal: AbortSignal): Promise<{ messageId: string }>
  sendBatch(messages: readonly OutgoingMessage[], signal: AbortSignal): Promise<{ messageId: string }[]>
}

export function createSender({ queue, transport, protection, metrics }: SenderParts): Sender {
  const toWire = (message: UnprotectedMessage, { body, attributes, seal }: ProtectedBody): WireMessage => {
    if (seal === null && isEncrypted(body)) {
      const text = 'A plaintext body must not begin with QRE1, the marker of a sealed one.'
      throw new QueueError('ReservedMarker', text, { queue, operation: 'send', messageId: message.messageId })
    }
    return { ...message, attributes, deduplicationId: message.messageId, body: body as WireBody }
  }

  const sendAll = async (messages: readonly UnprotectedMessage[], signal: AbortSignal): Promise<Outcome[]> => {
    const protecting = Promise.all(messages.map((message) => protection.protect(message, { signal })))
    const bodies = await abortable(protecting, signal)
    const wire = messages.map((message, index) => toWire(message, bodies[index] as ProtectedBody))
    const count = (index: number, status: 'success' | 'error'): void =>
      metrics.sent(bodies[index]?.seal !== null, status)
    try {
      const results = await transport.send(wire, { signal })
      return wire.map(({ messageId }, index) => {
        const error = results[index]?.error ?? null
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
      const checked = messages.map((message, at) => validateMessage(message, transport.features, `messages[${at}].`))
      const outcomes = await sendAll(checked, signal)
      const sent = outcomes.filter((outcome) => 'messageId' in outcome)
      if (sent.length === outcomes.length) return sent
      const text = `${outcomes.length - sent.length} of ${outcomes.length} messages were not sent.`
      throw new QueueError('BatchPartiallyFailed', text, { facts: { outcomes }, queue, operation: 'sendBatch' })
    },
  }
}
