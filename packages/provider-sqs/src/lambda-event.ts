import type { RawMessage } from './raw-message.ts'

/**
 * One message in an event of Lambda.
 *
 * Source: "Using Lambda with Amazon SQS", AWS Lambda Developer Guide.
 */
export interface SqsRecord {
  readonly messageId: string
  readonly receiptHandle: string
  readonly body: string
  readonly attributes: {
    readonly ApproximateReceiveCount?: string | undefined
    readonly SentTimestamp?: string | undefined
    readonly MessageGroupId?: string | undefined
    readonly AWSTraceHeader?: string | undefined
  }
  readonly messageAttributes: Readonly<
    Record<
      string,
      {
        readonly dataType: string
        readonly stringValue?: string | undefined
        /** Base64. */
        readonly binaryValue?: string | undefined
      }
    >
  >
  readonly eventSourceARN?: string | undefined
}

/** What Lambda hands to a function of an event source mapping. */
export interface SqsEvent {
  readonly Records: readonly SqsRecord[]
}

/** What is used of the context of an invocation. */
export interface LambdaContext {
  /** How long the invocation may still take, in milliseconds. */
  getRemainingTimeInMillis(): number
}

/** What Lambda is to keep in the queue. It takes the setting ReportBatchItemFailures of the event source mapping. */
export interface SqsBatchResponse {
  batchItemFailures: { itemIdentifier: string }[]
}

export const rawRecord = ({
  messageId,
  receiptHandle,
  body,
  attributes,
  messageAttributes,
}: SqsRecord): RawMessage => ({
  brokerMessageId: messageId,
  receiptHandle,
  text: body,
  attributes: new Map(
    Object.entries(messageAttributes).map(([name, { dataType, stringValue, binaryValue }]) => [
      name,
      {
        type: dataType,
        text: stringValue,
        bytes: binaryValue === undefined ? undefined : Buffer.from(binaryValue, 'base64'),
      },
    ]),
  ),
  system: { ...attributes },
})
