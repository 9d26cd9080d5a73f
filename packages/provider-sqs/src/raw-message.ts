import type { Message } from '@aws-sdk/client-sqs'

/** An attribute of a message; `bytes` where it is of type Binary. */
export interface RawAttribute {
  readonly type: string
  readonly text: string | undefined
  readonly bytes: Uint8Array | undefined
}

/** A message as SQS hands it out, whoever hands it on: a receive, or an event of Lambda. Nothing of it is checked. */
export interface RawMessage {
  readonly brokerMessageId: string
  readonly receiptHandle: string
  readonly text: string
  readonly attributes: ReadonlyMap<string, RawAttribute>
  /** SentTimestamp, ApproximateReceiveCount, MessageGroupId, AWSTraceHeader. */
  readonly system: Readonly<Record<string, string | undefined>>
}

/** The system attributes that a receive asks for. */
export const SYSTEM_ATTRIBUTES = [
  'ApproximateReceiveCount',
  'SentTimestamp',
  'MessageGroupId',
  'AWSTraceHeader',
] as const

export const rawMessage = ({ MessageId, ReceiptHandle, Body, MessageAttributes, Attributes }: Message): RawMessage => ({
  brokerMessageId: MessageId ?? '',
  receiptHandle: ReceiptHandle ?? '',
  text: Body ?? '',
  attributes: new Map(
    Object.entries(MessageAttributes ?? {}).map(([name, { DataType = '', StringValue, BinaryValue }]) => [
      name,
      { type: DataType, text: StringValue, bytes: BinaryValue },
    ]),
  ),
  system: Attributes ?? {},
})
