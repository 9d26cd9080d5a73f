import { type Refusal, StoreError } from '../store/errors.ts'
import type { AmqpFailure } from './rhea.ts'

/** The error conditions of Service Bus, under which the SDKs know them. */
export const CONDITION = {
  notFound: 'amqp:not-found',
  notAllowed: 'amqp:not-allowed',
  notImplemented: 'amqp:not-implemented',
  unauthorized: 'amqp:unauthorized-access',
  internalError: 'amqp:internal-error',
  invalidField: 'amqp:invalid-field',
  decodeError: 'amqp:decode-error',
  resourceLimitExceeded: 'amqp:resource-limit-exceeded',
  messageTooLarge: 'amqp:link:message-size-exceeded',
  detachForced: 'amqp:link:detach-forced',
  serverBusy: 'com.microsoft:server-busy',
  timeout: 'com.microsoft:timeout',
  operationCancelled: 'com.microsoft:operation-cancelled',
  entityDisabled: 'com.microsoft:entity-disabled',
  messageLockLost: 'com.microsoft:message-lock-lost',
  sessionLockLost: 'com.microsoft:session-lock-lost',
  sessionCannotBeLocked: 'com.microsoft:session-cannot-be-locked',
  messageNotFound: 'com.microsoft:message-not-found',
} as const

const BY_REFUSAL: Record<Refusal, string> = {
  'message-lock-lost': CONDITION.messageLockLost,
  'session-lock-lost': CONDITION.sessionLockLost,
  'session-cannot-be-locked': CONDITION.sessionCannotBeLocked,
  'message-not-found': CONDITION.messageNotFound,
  'not-allowed': CONDITION.notAllowed,
}

/** The status that the management node gives with a condition. */
const STATUS: Readonly<Record<string, number>> = {
  [CONDITION.notFound]: 404,
  [CONDITION.messageNotFound]: 404,
  [CONDITION.messageLockLost]: 410,
  [CONDITION.sessionLockLost]: 410,
  [CONDITION.sessionCannotBeLocked]: 409,
  [CONDITION.unauthorized]: 401,
  [CONDITION.notImplemented]: 501,
  [CONDITION.serverBusy]: 503,
  [CONDITION.internalError]: 500,
  [CONDITION.timeout]: 408,
}

export const statusOf = (condition: string): number => STATUS[condition] ?? 400

/** Thrown where the AMQP side itself refuses. */
export class AmqpRefusal extends Error implements AmqpFailure {
  readonly condition: string
  readonly description: string

  constructor(condition: string, description: string) {
    super(description)
    this.name = 'AmqpRefusal'
    this.condition = condition
    this.description = description
  }
}

/** What a client is told of an error. */
export function failureOf(error: unknown): AmqpFailure {
  if (error instanceof AmqpRefusal) return { condition: error.condition, description: error.description }
  if (error instanceof StoreError) return { condition: BY_REFUSAL[error.refusal], description: error.message }
  return { condition: CONDITION.internalError, description: `The emulator failed: ${String(error)}` }
}
