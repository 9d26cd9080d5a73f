import { applicationAttributes } from './attributes.ts'
import type { MessageFacts } from './message.ts'

/** The facts of a message as the application sees them: without what a provider's object or the library's own attributes carry. */
export const factsOf = (message: MessageFacts): MessageFacts => ({
  messageId: message.messageId,
  brokerMessageId: message.brokerMessageId,
  sessionId: message.sessionId,
  correlationId: message.correlationId,
  contentType: message.contentType,
  attributes: applicationAttributes(message.attributes),
  deliveryCount: message.deliveryCount,
  enqueuedAt: message.enqueuedAt,
})

/**
 * Returns what a log line says of a message; never its body (requirements O7).
 *
 * @example
 * logger.warn(logFields('orders', 'receive', message), 'The body could not be decoded')
 */
export const logFields = (queue: string, operation: string, message: MessageFacts): Record<string, unknown> => ({
  queue_name: queue,
  operation,
  message_id: message.messageId,
  session_id: message.sessionId,
  correlation_id: message.correlationId,
  delivery_count: message.deliveryCount,
})
