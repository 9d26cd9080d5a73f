import { QueueError } from '@queue-runtime/core'

// Every error of this provider. None holds anything of a body.

export const queueNotFound = (queue: string): QueueError =>
  new QueueError('QueueNotFound', `There is no queue ${queue}.`, { facts: { queue }, queue })

export const tooLarge = (queue: string, messageId: string, size: number, maxSize: number): QueueError =>
  new QueueError('MessageTooLarge', `The message has ${size} bytes with its fields; the queue takes ${maxSize}.`, {
    facts: { size, maxSize },
    ...{ queue, messageId, operation: 'send' },
  })

export const queueFull = (queue: string, messageId: string): QueueError =>
  new QueueError('Throttled', 'The queue is full.', { queue, messageId, operation: 'send' })

export const lockLost = (queue: string, messageId: string, operation: string): QueueError =>
  new QueueError('MessageLockLost', 'The lock of the message is gone.', { queue, messageId, operation })

export const sessionLocked = (queue: string, lockedUntil: number): QueueError =>
  new QueueError('SessionLocked', 'Somebody else holds the session.', {
    facts: { lockedUntil: new Date(lockedUntil) },
    ...{ queue, operation: 'acceptSession' },
  })

export const sessionLockLost = (queue: string, operation: string, messageId?: string): QueueError =>
  new QueueError('SessionLockLost', 'The lock of the session is gone.', { queue, operation, messageId })

export const noDeadLetters = (queue: string, messageId: string): QueueError =>
  new QueueError('Unsupported', 'There is no dead-letter queue to move the message to; it stays where it is.', {
    facts: { feature: 'dead-letter' },
    ...{ queue, messageId, operation: 'deadLetter' },
  })

export const transportClosed = (queue: string, operation: string): QueueError =>
  new QueueError('ClientClosed', 'The transport is closed.', { queue, operation })
