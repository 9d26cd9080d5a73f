/** A body of the JSON protocol of SQS; nothing of it is checked beyond what a rule looks at. */
export type Json = Readonly<Record<string, unknown>>

/** What SQS answers to one call. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Json
}

/** What is wrong with a call, or with one entry of a batch, as SQS says it. */
export interface Refusal {
  readonly code: string
  readonly message: string
}

export const succeeded = (body: Json): Answer => ({ status: 200, headers: {}, body })

/** `code` as SQS spells it, such as `ReceiptHandleIsInvalid`. */
export const failed = ({ code, message }: Refusal, status = 400): Answer => ({
  status,
  headers: { 'x-amzn-query-error': `AWS.SimpleQueueService.${code};${status < 500 ? 'Sender' : 'Receiver'}` },
  body: { __type: `com.amazonaws.sqs#${code}`, message },
})

export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')
export const listOf = (value: unknown): readonly Json[] => (Array.isArray(value) ? value : [])
export const recordOf = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {})
