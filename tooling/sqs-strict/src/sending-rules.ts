import { type Json, listOf, type Refusal, recordOf, textOf } from './answer.ts'

const invalid = (message: string): Refusal => ({ code: 'InvalidParameterValue', message })

/** SQS: "Message quotas" and SendMessage in the API reference. */
const MAX_ATTRIBUTES = 10
const MAX_DELAY_SECONDS = 900
const GROUP_ID = /^[\x21-\x7e]{1,128}$/
const ATTRIBUTE_NAME = /^(?!aws\.|amazon\.|\.)(?!.*\.\.)[A-Za-z0-9_.-]{1,256}(?<!\.)$/i
const CARRIED = /^[\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]*$/u

type Rule = (entry: Json) => Refusal | undefined

const attributesOf = (entry: Json): [string, Json][] =>
  Object.entries(recordOf(entry.MessageAttributes)).map(([name, value]) => [name, recordOf(value)])

/** What SQS refuses of a message and fauxqs takes. */
const RULES: readonly Rule[] = [
  (entry) => {
    const count = attributesOf(entry).length
    return count > MAX_ATTRIBUTES
      ? invalid(`Number of message attributes [${count}] exceeds the allowed maximum [${MAX_ATTRIBUTES}].`)
      : undefined
  },
  ({ DelaySeconds: delay }) =>
    delay === undefined || (Number.isInteger(delay) && Number(delay) >= 0 && Number(delay) <= MAX_DELAY_SECONDS)
      ? undefined
      : invalid(`Value ${delay} for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.`),
  ({ MessageGroupId: group }) =>
    group === undefined || GROUP_ID.test(textOf(group)) ? undefined : invalid('MessageGroupId is invalid.'),
  ({ MessageDeduplicationId: id }) =>
    id === undefined || GROUP_ID.test(textOf(id)) ? undefined : invalid('MessageDeduplicationId is invalid.'),
  (entry) =>
    attributesOf(entry).some(([name]) => !ATTRIBUTE_NAME.test(name))
      ? invalid('The message attribute name is invalid.')
      : undefined,
  (entry) =>
    attributesOf(entry).some(([, { StringValue: value }]) => value === '')
      ? invalid('The request must contain non-empty message attribute value.')
      : undefined,
  (entry) =>
    attributesOf(entry).some(([, { StringValue: value }]) => !CARRIED.test(textOf(value)))
      ? { code: 'InvalidMessageContents', message: 'Invalid characters found in a message attribute.' }
      : undefined,
  (entry) =>
    CARRIED.test(textOf(entry.MessageBody))
      ? undefined
      : { code: 'InvalidMessageContents', message: 'Invalid characters found.' },
  ({ MessageBody: body }) =>
    textOf(body) === ''
      ? { code: 'MissingParameter', message: 'The request must contain the parameter MessageBody.' }
      : undefined,
  ({ MessageSystemAttributes: system }) =>
    Object.keys(recordOf(system)).every((name) => name === 'AWSTraceHeader')
      ? undefined
      : invalid('Only AWSTraceHeader is supported as a message system attribute.'),
]

/** Returns why SQS would not take this message, or this entry of a batch. */
export const refuseMessage = (entry: Json): Refusal | undefined => {
  for (const rule of RULES) {
    const refusal = rule(entry)
    if (refusal !== undefined) return refusal
  }
  return undefined
}

export const entriesOf = (body: Json): readonly Json[] => listOf(body.Entries)
