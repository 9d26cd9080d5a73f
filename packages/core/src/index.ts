export type { Clock } from './base/clock.ts'
export type { ErrorCode, ErrorFacts, PlainCode } from './base/error-codes.ts'
export { type ErrorDetails, isQueueError, QueueError } from './base/errors.ts'
export type { Logger } from './base/logger.ts'
export type { BatchOptions, CallOptions, Closable, Options, WaitOptions } from './base/options.ts'
export { createQueueClient } from './client.ts'
export type { AcceptSessionOptions, QueueClientOptions } from './client-options.ts'
export type { Consumer } from './consuming/consumer.ts'
export type { ConsumeOptions, MessageHandler, OnError, ProcessOptions } from './consuming/handler.ts'
export type { MessageProtection } from './contracts/protection.ts'
export type { QueueProvider } from './contracts/transport.ts'
export type { DeadLetter } from './dead-letters/dead-letter.ts'
export type { DeadLetters, RedriveOptions, RedriveReport } from './dead-letters/dead-letters.ts'
export type {
  Content,
  DeadLetterReason,
  Disposition,
  MessageFacts,
  MessageFields,
  OutgoingMessage,
  ReceivedMessage,
  RejectedMessage,
  Seal,
} from './message/message.ts'
export type { QueueClient, QueueReceiver, QueueSender } from './queue-client.ts'
export type { RetryOptions } from './resilience/retry.ts'
export type { Session } from './sessions/session.ts'
