import { randomUUID } from 'node:crypto'
import { isQueueError, QueueError } from '@queue-runtime/core'
import type { IncomingMessage, QueueTransport, WireMessage } from '@queue-runtime/core/provider'
import type { SendingMutant } from '../mutant.ts'
import { type Fault, fault } from './altered.ts'

type Send = QueueTransport['send']
type Outcomes = Awaited<ReturnType<Send>>

const sent = (messages: readonly WireMessage[]): Outcomes => messages.map(() => ({ error: null }))
const firstOfTen = (messages: readonly WireMessage[]): readonly WireMessage[] => messages.slice(0, 10)

const sending = (change: (send: Send) => Send): Fault =>
  fault({ transport: (transport) => ({ send: change(transport.send) }) })

/** Sends some of the messages, or others, and answers for all of them. */
const sendingOthers = (change: (messages: readonly WireMessage[]) => readonly WireMessage[]): Fault =>
  sending((send) => async (messages, options) => {
    await send(change(messages), options)
    return sent(messages)
  })

const rewriting = (edit: (message: WireMessage) => Partial<WireMessage>): Fault =>
  sendingOthers((messages) => messages.map((message) => ({ ...message, ...edit(message) })))

const receiving = (message: (message: IncomingMessage) => Partial<IncomingMessage>): Fault => fault({ message })

const isOfLibrary = (name: string): boolean => /^(qr-|trace)/.test(name)

const asText = (bytes: Uint8Array): Uint8Array => new TextEncoder().encode(new TextDecoder().decode(bytes))

const reparsed = (bytes: Uint8Array): Uint8Array => {
  try {
    return new TextEncoder().encode(JSON.stringify(JSON.parse(new TextDecoder().decode(bytes))))
  } catch {
    return bytes
  }
}

/** Knows one list of ids for all of its queues. */
const deduplicatingByMessageId: Fault = (setup) => {
  const known = new Set<string>()
  const isNew = ({ messageId }: WireMessage): boolean => !known.has(messageId) && known.add(messageId) === known
  return sendingOthers((messages) => messages.filter(isNew))(setup)
}

/** What is delivered is what the caller's bytes are by then. */
const keepingBytes: Fault = (setup) => {
  const bodies = new Map<string, Uint8Array>()
  return fault({
    transport: ({ send }) => ({
      async send(messages, options) {
        for (const { messageId, body } of messages) bodies.set(messageId, body)
        return send(messages, options)
      },
    }),
    message: ({ messageId, body }) => ({ body: new Uint8Array(bodies.get(messageId) ?? body) }),
  })(setup)
}

export const sendingMutants: Readonly<Record<SendingMutant, Fault>> = {
  'shortens batches': sendingOthers(firstOfTen),
  'answers for fewer messages than it was given': sending((send) => async (messages, options) => {
    await send(firstOfTen(messages), options)
    return sent(firstOfTen(messages))
  }),
  'cannot send nothing': sending((send) => async (messages, options) => {
    if (messages.length === 0) throw new TypeError('There is no first message.')
    return send(messages, options)
  }),
  'sends batches in any order': sendingOthers((messages) => messages.toReversed()),
  'sends what fits of a batch': sending((send) => async (messages, options) => {
    for (const message of messages) await send([message], options)
    return sent(messages)
  }),
  'tells wrong sizes': sending(
    (send) => (messages, options) =>
      send(messages, options).catch((error: unknown) => {
        if (!isQueueError(error, 'MessageTooLarge')) throw error
        const { size } = error.facts
        throw new QueueError('MessageTooLarge', error.message, { facts: { size, maxSize: size - 1 } })
      }),
  ),
  'refuses what is too large together': fault(({ maxMessageBytes }) => ({
    transport: ({ send }) => ({
      async send(messages, options) {
        const size = messages.reduce((sum, { body }) => sum + body.length, 0)
        if (size <= maxMessageBytes) return send(messages, options)
        throw new QueueError('MessageTooLarge', 'Too large.', { facts: { size, maxSize: maxMessageBytes } })
      },
    }),
  })),
  'keeps the bytes of the caller': keepingBytes,
  'treats bodies as text': receiving(({ body }) => ({ body: asText(body) })),
  'parses bodies as JSON': receiving(({ body }) => ({ body: reparsed(body) })),
  'sends nothing for an empty body': sendingOthers((messages) => messages.filter(({ body }) => body.length > 0)),
  'makes up message ids': receiving(({ brokerMessageId }) => ({ messageId: brokerMessageId })),
  'shortens message ids': receiving(({ messageId }) => ({ messageId: messageId.slice(0, 80) })),
  'drops the correlation id': receiving(() => ({ correlationId: undefined })),
  'drops the content type': receiving(() => ({ contentType: undefined })),
  'drops the session id': receiving(() => ({ sessionId: undefined })),
  'drops attributes': receiving(() => ({ attributes: {} })),
  'drops the attributes of the library': receiving(({ attributes }) => ({
    attributes: Object.fromEntries(Object.entries(attributes).filter(([name]) => !isOfLibrary(name))),
  })),
  'takes ten attributes at most': receiving(({ attributes }) => ({
    attributes: Object.fromEntries(Object.entries(attributes).slice(0, 10)),
  })),
  'fills in what was not set': receiving(({ correlationId = '', contentType = 'application/octet-stream' }) => ({
    correlationId,
    contentType,
  })),
  'has one broker id for all': receiving(() => ({ brokerMessageId: '1' })),
  'shows the deduplication id': rewriting(({ deduplicationId }) => ({ messageId: deduplicationId })),
  'deduplicates by message id': deduplicatingByMessageId,
  'knows no duplicates': rewriting(() => ({ deduplicationId: randomUUID() })),
  'sends in spite of an abort': sending(
    (send) => (messages) => send(messages, { signal: new AbortController().signal }),
  ),
  'delivers at once': rewriting(() => ({ deliverAt: undefined })),
  'never delivers what is due later': sendingOthers((messages) =>
    messages.filter(({ deliverAt }) => deliverAt === undefined),
  ),
  'keeps messages for ever': rewriting(() => ({ timeToLiveMs: undefined })),
  'delivers nothing that is to expire': sendingOthers((messages) =>
    messages.filter(({ timeToLiveMs }) => timeToLiveMs === undefined),
  ),
  'refuses what it says that it can do': sending((send) => (messages, options) => {
    const asks = messages.some(({ deliverAt, timeToLiveMs }) => (deliverAt ?? timeToLiveMs) !== undefined)
    if (asks) throw new QueueError('Unsupported', 'No.', { facts: { feature: 'deliverAt' } })
    return send(messages, options)
  }),
}
