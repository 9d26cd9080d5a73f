import { isQueueError, QueueError } from '@queue-runtime/core'

// Every error of this provider, beside those that sdk-errors.ts makes of what the SDK throws. None holds anything of a body.

/** As the semantic conventions of OpenTelemetry call it. */
export const PROVIDER = 'servicebus'

/** Where something went wrong. */
export interface Place {
  readonly queue: string
  readonly operation: string
  readonly messageId?: string | undefined
}

export const tooLarge = (place: Place, size: number, maxSize: number): QueueError =>
  new QueueError('MessageTooLarge', `The message has ${size} bytes on the wire; the queue takes ${maxSize}.`, {
    facts: { size, maxSize },
    ...place,
  })

export const timedOut = (place: Place, timeoutMs: number): QueueError =>
  new QueueError('Timeout', `Service Bus did not answer within ${timeoutMs} ms.`, { ...place })

export const lockLost = (place: Place): QueueError =>
  new QueueError('MessageLockLost', 'The lock of the message is gone.', { ...place })

export const sessionLockLost = (place: Place): QueueError =>
  new QueueError('SessionLockLost', 'The lock of the session is gone.', { ...place })

export const unsupported = (feature: string, text: string, place: Place): QueueError =>
  new QueueError('Unsupported', text, { facts: { feature }, ...place })

export const transportClosed = (queue: string, operation: string): QueueError =>
  new QueueError('ClientClosed', 'The transport is closed.', { queue, operation })

export const connectionLost = (place: Place): QueueError =>
  new QueueError('ConnectionFailed', 'The connection to Service Bus broke.', { ...place })

/** What a decoder throws that meets what it does not expect. */
const DECODER_ERRORS = new Set(['TypeError', 'RangeError', 'SyntaxError', 'ReferenceError'])

/** True for a failure of the SDK to read what came: it says nothing of the call, and all else of the queue can be read. */
export const isUndecodable = (error: unknown): boolean =>
  isQueueError(error, 'ProviderError') && DECODER_ERRORS.has(error.facts.providerCode ?? '')

/**
 * The SDK decodes AMQP before anybody sees the message, and the connection breaks where it cannot. Whoever may send can bring
 * that about: it must not end a consumer. The broker counts the delivery, and puts the message away at last.
 */
export const undecodable = (place: Place): QueueError =>
  new QueueError('ProviderError', 'The SDK could not decode a message; the broker counts its delivery.', {
    facts: { provider: PROVIDER, providerCode: 'undecodable' },
    isTransient: true,
    ...place,
  })
