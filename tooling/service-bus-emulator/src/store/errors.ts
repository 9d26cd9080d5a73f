/** Why the broker refuses. The AMQP side has a condition for each. */
export type Refusal =
  | 'message-lock-lost'
  | 'session-lock-lost'
  | 'session-cannot-be-locked'
  | 'message-not-found'
  | 'not-allowed'

export class StoreError extends Error {
  readonly refusal: Refusal

  constructor(refusal: Refusal, text: string) {
    super(text)
    this.name = 'StoreError'
    this.refusal = refusal
  }
}

export const messageLockLost = (): StoreError =>
  new StoreError(
    'message-lock-lost',
    'The lock supplied is invalid. Either the lock expired, or the message has already been removed from the queue.',
  )

export const sessionLockLost = (sessionId: string): StoreError =>
  new StoreError('session-lock-lost', `The lock of the session '${sessionId}' has expired. Accept the session again.`)

export const sessionLocked = (sessionId: string): StoreError =>
  new StoreError(
    'session-cannot-be-locked',
    `The session '${sessionId}' cannot be accepted. It may be locked by another.`,
  )

export const notFound = (sequenceNumber: number): StoreError =>
  new StoreError('message-not-found', `There is no such message with sequence number ${sequenceNumber}.`)

export const notAllowed = (text: string): StoreError => new StoreError('not-allowed', text)
