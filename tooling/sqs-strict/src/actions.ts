import { type Answer, failed, type Json, listOf, type Refusal, recordOf, succeeded, textOf } from './answer.ts'
import type { Backend } from './backend.ts'
import type { Call } from './faults.ts'
import type { Judgement, Leases } from './leases.ts'
import { entriesOf, refuseMessage } from './sending-rules.ts'

interface ActionParts {
  readonly backend: Backend
  readonly leases: Leases
  /** The X-Ray headers of messages, by message id: fauxqs drops them. */
  readonly traces: Map<string, string>
}

type Action = (call: Call, parts: ActionParts) => Promise<Answer>

const failure = (id: unknown, { code, message }: Refusal): Json => ({
  Id: id,
  SenderFault: true,
  Code: code,
  Message: message,
})

/** Asks fauxqs for the entries that pass, and answers for all. */
const inBatch = async (
  { action, body }: Call,
  backend: Backend,
  judge: (entry: Json) => { readonly refusal: Refusal } | { readonly forward: Json | undefined },
): Promise<Answer> => {
  const judged = entriesOf(body).map((entry) => ({ entry, ...judge(entry) }))
  const forwarded = judged.flatMap((one) => ('forward' in one && one.forward !== undefined ? [one.forward] : []))
  const answer =
    forwarded.length > 0 || judged.length === 0
      ? await backend.call(action, { ...body, Entries: forwarded })
      : succeeded({})
  if (answer.status !== 200) return answer
  const done = judged.flatMap((one) => ('forward' in one && one.forward === undefined ? [{ Id: one.entry.Id }] : []))
  const refused = judged.flatMap((one) => ('refusal' in one ? [failure(one.entry.Id, one.refusal)] : []))
  return succeeded({
    Successful: [...listOf(answer.body.Successful), ...done],
    Failed: [...listOf(answer.body.Failed), ...refused],
  })
}

const inOne = async ({ action, body }: Call, backend: Backend, judgement: Judgement): Promise<Answer> => {
  if ('refusal' in judgement) return failed(judgement.refusal)
  if (judgement.forward === undefined) return succeeded({})
  return backend.call(action, { ...body, ReceiptHandle: judgement.forward })
}

const underHandle = (entry: Json, judgement: Judgement): { refusal: Refusal } | { forward: Json | undefined } =>
  'refusal' in judgement
    ? judgement
    : { forward: judgement.forward === undefined ? undefined : { ...entry, ReceiptHandle: judgement.forward } }

const traceOf = (entry: Json): string =>
  textOf(recordOf(recordOf(entry.MessageSystemAttributes).AWSTraceHeader).StringValue)

const keepTrace = (traces: Map<string, string>, entry: Json | undefined, messageId: unknown): void => {
  const trace = entry && traceOf(entry)
  if (trace && !traces.has(textOf(messageId))) traces.set(textOf(messageId), trace)
}

/** The actions that are looked at; all others are those of fauxqs. */
export const ACTIONS: Readonly<Record<string, Action>> = {
  async SendMessage({ action, body }, { backend, traces }) {
    const refusal = refuseMessage(body)
    if (refusal !== undefined) return failed(refusal)
    const answer = await backend.call(action, body)
    keepTrace(traces, body, answer.body.MessageId)
    return answer
  },
  async SendMessageBatch(call, { backend, traces }) {
    const answer = await inBatch(call, backend, (entry) => {
      const refusal = refuseMessage(entry)
      return refusal === undefined ? { forward: entry } : { refusal }
    })
    const byId = new Map(entriesOf(call.body).map((entry) => [entry.Id, entry]))
    for (const { Id, MessageId } of listOf(answer.body.Successful)) keepTrace(traces, byId.get(Id), MessageId)
    return answer
  },
  async ReceiveMessage({ action, queue, body }, { backend, leases, traces }) {
    const { VisibilityTimeout: seconds = 30 } = body
    const answer = await backend.call(action, body)
    const wantsTrace = [...listOf(body.MessageSystemAttributeNames)].some((name) =>
      ['AWSTraceHeader', 'All'].includes(String(name)),
    )
    const messages = listOf(answer.body.Messages).map((message) => {
      const messageId = textOf(message.MessageId)
      leases.grant(textOf(message.ReceiptHandle), messageId, queue.endsWith('.fifo'), Number(seconds))
      const trace = wantsTrace ? traces.get(messageId) : undefined
      return trace === undefined
        ? message
        : { ...message, Attributes: { ...recordOf(message.Attributes), AWSTraceHeader: trace } }
    })
    return messages.length === 0 ? answer : { ...answer, body: { ...answer.body, Messages: messages } }
  },
  DeleteMessage: (call, { backend, leases }) => inOne(call, backend, leases.delete(textOf(call.body.ReceiptHandle))),
  DeleteMessageBatch: (call, { backend, leases }) =>
    inBatch(call, backend, (entry) => underHandle(entry, leases.delete(textOf(entry.ReceiptHandle)))),
  ChangeMessageVisibility: (call, { backend, leases }) =>
    inOne(call, backend, leases.change(textOf(call.body.ReceiptHandle), call.body.VisibilityTimeout)),
  ChangeMessageVisibilityBatch: (call, { backend, leases }) =>
    inBatch(call, backend, (entry) =>
      underHandle(entry, leases.change(textOf(entry.ReceiptHandle), entry.VisibilityTimeout)),
    ),
}
