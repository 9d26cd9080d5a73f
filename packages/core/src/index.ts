export { createQueueClient } from './client.ts'
export type { QueueClientOptions } from './client-options.ts'
export type { Clock } from './clock.ts'
export type { ConsumeOptions, Consumer } from './consumer.ts'
export type { DeadLetter, DeadLetters } from './dead-letters.ts'
export type { ErrorCode, ErrorFacts, PlainCode } from './error-codes.ts'
export { type ErrorDetails, isQueueError, QueueError } from './errors.ts'
export type { MessageHandler, OnError } from './handling.ts'
export type { Logger } from './logger.ts'
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
} from './message.ts'
export type { BatchOptions, CallOptions, Closable, Options, WaitOptions } from './options.ts'
export type { MessageProtection } from './protection.ts'
export type { QueueClient, QueueReceiver, QueueSender } from './queue-client.ts'
export type { QueueProvider } from './transport.ts'
