import { randomUUID } from 'node:crypto'
import { invalid } from '../base/check.ts'
import { QueueError } from '../base/errors.ts'
import { isEncrypted } from '../base/marker.ts'
import { abortable, linkSignals } from '../base/signals.ts'
import type { ClientParts } from '../client-parts.ts'
import type { ProtectedBody, ProtectOptions, UnprotectedMessage } from '../contracts/protection.ts'
import type { QueueTransport } from '../contracts/transport.ts'
import type { OutgoingMessage, Seal } from '../message/message.ts'
import { validateMessage } from '../message/validate.ts'
import type { WireBody, WireMessage } from '../message/wire.ts'
import { createDispatch, type Outcome } from './dispatch.ts'

/** Sends in three steps: validate all, protect all, hand all to the transport. Nothing is sent unless each step took every message. */
export interface Sender {
  send(message: OutgoingMessage, signal: AbortSignal): Promise<{ messageId: string }>
  sendBatch(messages: readonly OutgoingMessage[], signal: AbortSignal): Promise<{ messageId: string }[]>
  /** Sends a message that was sent before under the same id, sealed anew. `replaced`: the seal that it came with. */
  resend(message: UnprotectedMessage, replaced: Seal | null, signal: AbortSignal): Promise<void>
}

/** How messages are sent that were not just made. */
interface Manner {
  readonly authenticated?: ProtectOptions['authenticated']
  /** What a message has on the wire beside what it was given. */
  readonly extras?: Pick<WireMessage, 'deduplicationId'> & { readonly attributes: Readonly<Record<string, string>> }
}

/** When a message was sealed that was sealed anew (protocol.md 4.1). */
const RESEALED_FROM = 'qr-resealed-from'

export function createSender(client: ClientParts, transport: QueueTransport): Sender {
  const { queue, protection, tracing, closing } = client
  const dispatch = createDispatch(client, transport)

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
  const protectAll = async (
    messages: readonly UnprotectedMessage[],
    authenticated: ProtectOptions['authenticated'],
    signal: AbortSignal,
  ): Promise<WireMessage[]> => {
    const linked = linkSignals(signal, closing)
    const options = { signal: linked.signal, authenticated }
    const protecting = messages.map(async (message) => toWire(message, await protection.protect(message, options)))
    try {
      return await abortable(Promise.all(protecting), linked.signal)
    } finally {
      linked.unlink()
    }
  }

  /** Sealed once: each attempt to send carries the same bytes. What `conclude` throws is the failure of the span, too. */
  const sendAll = <T>(
    messages: readonly UnprotectedMessage[],
    signal: AbortSignal,
    conclude: (outcomes: Outcome[]) => T,
    { authenticated, extras }: Manner = {},
  ): Promise<T> =>
    tracing.sending(messages, async (withTrace) => {
      const wire = await protectAll(messages, authenticated, signal)
      const finish = (message: WireMessage): WireMessage => ({
        ...message,
        ...extras,
        attributes: withTrace({ ...message.attributes, ...extras?.attributes }),
      })
      return conclude(await dispatch(wire.map(finish), signal))
    })

  const theOne = ([outcome]: Outcome[]): { messageId: string } => {
    if (outcome !== undefined && 'messageId' in outcome) return outcome
    throw outcome?.error
  }

  const all = (outcomes: Outcome[]): { messageId: string }[] => {
    const sent = outcomes.filter((outcome) => 'messageId' in outcome)
    if (sent.length === outcomes.length) return sent
    const text = `${outcomes.length - sent.length} of ${outcomes.length} messages were not sent.`
    throw new QueueError('BatchPartiallyFailed', text, { facts: { outcomes }, queue, operation: 'sendBatch' })
  }

  return {
    send: async (message, signal) => sendAll([validateMessage(message, transport.features)], signal, theOne),
    async sendBatch(messages, signal) {
      if (!Array.isArray(messages)) throw invalid('messages', 'invalid-format', 'must be an array.')
      if (messages.length === 0) return []
      const checked = Array.from(messages, (message, at) =>
        validateMessage(message, transport.features, `messages[${at}].`),
      )
      return sendAll(checked, signal, all)
    },
    async resend(message, replaced, signal) {
      await sendAll([message], signal, theOne, {
        // Only what the old seal proved: others may have written what it did not.
        authenticated: replaced === null ? undefined : Object.keys(replaced.attributes),
        extras: {
          // The broker drops an id that it knows: the removal that follows would delete the only copy.
          deduplicationId: randomUUID({ disableEntropyCache: true }),
          attributes: replaced === null ? {} : { [RESEALED_FROM]: replaced.encryptedAt.toISOString() },
        },
      })
    },
  }
}
