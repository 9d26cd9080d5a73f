import { type ErrorCode, isQueueError, QueueError } from '@queue-runtime/core'

// Every error of this provider, beside those that sdk-errors.ts makes of what the SDK throws. None holds anything of a body.

/** As the semantic conventions of OpenTelemetry call it. */
export const PROVIDER = 'aws.sqs'

/** Where something went wrong. `size`: of the message as it was sent, in bytes. */
export interface Place {
  readonly queue: string
  readonly operation: string
  readonly messageId?: string | undefined
  readonly size?: number | undefined
}

export const tooLarge = ({ queue, operation, messageId }: Place, size: number, maxSize: number): QueueError =>
  new QueueError('MessageTooLarge', `The message has ${size} bytes on the wire; the queue takes ${maxSize}.`, {
    facts: { size, maxSize },
    ...{ queue, messageId, operation },
  })

export const timedOut = (place: Place, timeoutMs: number): QueueError =>
  new QueueError('Timeout', `SQS did not answer within ${timeoutMs} ms.`, { ...place })

export const lockLost = (place: Place): QueueError =>
  new QueueError('MessageLockLost', 'The lock of the message is gone.', { ...place })

export const noDeadLetters = (place: Place): QueueError =>
  new QueueError('Unsupported', 'The queue has no dead-letter queue; the message stays where it is.', {
    facts: { feature: 'dead-letter' },
    ...place,
  })

export const unsupported = (feature: string, text: string, place: Place): QueueError =>
  new QueueError('Unsupported', text, { facts: { feature }, ...place })

export const transportClosed = (queue: string, operation: string): QueueError =>
  new QueueError('ClientClosed', 'The transport is closed.', { queue, operation })

export const isCode = (error: unknown, code: ErrorCode): boolean => isQueueError(error, code)

export const outOfTime = (queue: string, workMs: number): QueueError =>
  new QueueError('Timeout', `The function has no more than ${workMs} ms for its messages.`, {
    queue,
    operation: 'process',
  })
