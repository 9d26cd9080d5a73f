// Limits of Amazon SQS. Source: "Amazon SQS message quotas" and "Amazon SQS queue quotas" of the Developer Guide, and the API
// reference of the action that is named.

/** A message with its attributes, and all messages of one batch together, in bytes. */
export const MAX_MESSAGE_BYTES = 1_048_576
/** SendMessageBatch, DeleteMessageBatch, ChangeMessageVisibilityBatch. */
export const MAX_BATCH_ENTRIES = 10
/** ReceiveMessage: MaxNumberOfMessages. */
export const MAX_RECEIVED = 10
/** ReceiveMessage: WaitTimeSeconds. */
export const MAX_POLL_SECONDS = 20
/** SendMessage: DelaySeconds, on standard queues. */
export const MAX_DELAY_SECONDS = 900
/** ChangeMessageVisibility: in total from the receive on. */
export const MAX_VISIBILITY_SECONDS = 43_200
/** Attributes of one message; system attributes do not count. */
export const MAX_ATTRIBUTES = 10
/** CreateQueue: QueueName, the suffix `.fifo` included. */
export const MAX_NAME_LENGTH = 80
