import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { ACTIONS } from './actions.ts'
import { type Answer, failed, type Json, listOf, recordOf, textOf } from './answer.ts'
import { startBackend } from './backend.ts'
import type { Call, Fault, Faults } from './faults.ts'
import { createLeases } from './leases.ts'
import { entriesOf } from './sending-rules.ts'

/** A local SQS on a free port of the loopback. */
export interface StrictSqs {
  readonly endpoint: string
  /** Every call so far, the refused ones included. */
  readonly calls: readonly Call[]
  /** What goes wrong from now on; none where it is left out. */
  inject(faults?: Faults): void
  /** Whether a standard queue carries out deletes of former holders from now on; the documentation says that it does not. */
  honourLateDeletes(): void
  /** Resolves with the URL of the new queue; one whose name ends in `.fifo` is FIFO. */
  createQueue(name: string, attributes?: Readonly<Record<string, string>>): Promise<string>
  /** Makes `name` and its dead-letter queue, which takes what comes back after `maxReceiveCount` deliveries. */
  createQueueWithDeadLetters(name: string, maxReceiveCount: number): Promise<void>
  /** How many messages of a queue can be received now, and how many are held. */
  count(name: string): Promise<{ visible: number; held: number }>
  close(): Promise<void>
}

const readBody = async (request: IncomingMessage): Promise<Json> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return recordOf(JSON.parse(Buffer.concat(chunks).toString('utf8') || '{}'))
}

const callOf = (request: IncomingMessage, body: Json): Call => ({
  action: textOf(request.headers['x-amz-target']).replace('AmazonSQS.', ''),
  queue: textOf(body.QueueName) || (textOf(body.QueueUrl).split('/').at(-1) ?? ''),
  body,
})

const write = (response: ServerResponse, { status, headers, body }: Answer, isCut = false): void => {
  const text = JSON.stringify(body)
  response.writeHead(status, {
    'content-type': 'application/x-amz-json-1.0',
    'content-length': Buffer.byteLength(text),
    ...headers,
  })
  if (!isCut) {
    response.end(text)
    return
  }
  response.write(text.slice(0, Math.max(1, text.length / 2)), () => response.destroy())
}

/** Carries out the entries that are spared, and reports the others. */
const sparing = async (
  call: Call,
  { spared, code, senderFault }: Extract<Fault, { kind: 'entries' }>,
  carryOut: (call: Call) => Promise<Answer>,
): Promise<Answer> => {
  const entries = entriesOf(call.body)
  const kept = entries.filter((_, index) => spared(index))
  const failures = entries
    .filter((_, index) => !spared(index))
    .map(({ Id }) => ({ Id, SenderFault: senderFault, Code: code, Message: 'injected' }))
  const answer =
    kept.length === 0
      ? { status: 200, headers: {}, body: {} }
      : await carryOut({ ...call, body: { ...call.body, Entries: kept } })
  if (answer.status !== 200) return answer
  return { ...answer, body: { ...answer.body, Failed: [...listOf(answer.body.Failed), ...failures] } }
}

/**
 * Starts a local SQS that refuses what AWS refuses and fauxqs takes, and that fails on demand.
 *
 * @example
 * const sqs = await startStrictSqs()
 * sqs.inject(({ action }) => (action === 'DeleteMessageBatch' ? { kind: 'cut', when: 'after' } : undefined))
 */
export async function startStrictSqs(): Promise<StrictSqs> {
  const backend = await startBackend()
  const calls: Call[] = []
  const traces = new Map<string, string>()
  const closing = new AbortController()
  let faults: Faults = () => undefined
  let lateDeletes: 'ignored' | 'honoured' = 'ignored'
  const leases = createLeases(() => lateDeletes)

  /** URLs of queues name the host that answers, as those of AWS do. */
  const withUrl = (answer: Answer): Answer => {
    const { QueueUrl: url } = answer.body
    return url === undefined
      ? answer
      : { ...answer, body: { ...answer.body, QueueUrl: `${endpoint()}${new URL(textOf(url)).pathname}` } }
  }

  const carryOut = async (call: Call): Promise<Answer> =>
    withUrl(await (ACTIONS[call.action]?.(call, { backend, leases, traces }) ?? backend.call(call.action, call.body)))

  const answer = async (call: Call, fault: Fault | undefined, response: ServerResponse): Promise<void> => {
    if (fault?.kind === 'stall') return
    if (fault?.kind === 'cut' && fault.when === 'before') return void response.destroy()
    if (fault?.kind === 'error') {
      const { status, code, headers = {} } = fault
      const refused = failed({ code, message: 'injected' }, status)
      return write(response, { ...refused, headers: { ...refused.headers, ...headers } })
    }
    const result =
      fault?.kind === 'entries' && call.body.Entries !== undefined
        ? await sparing(call, fault, carryOut)
        : await carryOut(call)
    if (fault?.kind === 'slow') await sleep(fault.ms, undefined, { signal: closing.signal }).catch(() => {})
    if (fault?.kind === 'cut' && fault.when === 'after') return void response.destroy()
    write(response, result, fault?.kind === 'cut')
  }

  const server = createServer((request, response) => {
    readBody(request)
      .then(async (body) => {
        const call = callOf(request, body)
        calls.push(call)
        await answer(call, faults(call), response)
      })
      .catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const endpoint = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  const create = async (name: string, attributes: Readonly<Record<string, string>> = {}): Promise<string> => {
    const { status, body } = await backend.call('CreateQueue', { QueueName: name, Attributes: attributes })
    if (status !== 200) throw new Error(`fauxqs does not create ${name}: ${textOf(body.message)}`)
    return `${endpoint()}/000000000000/${name}`
  }
  const attributesOf = async (name: string): Promise<Json> => {
    const url = textOf((await backend.call('GetQueueUrl', { QueueName: name })).body.QueueUrl)
    const { body } = await backend.call('GetQueueAttributes', { QueueUrl: url, AttributeNames: ['All'] })
    return recordOf(body.Attributes)
  }

  return {
    endpoint: endpoint(),
    calls,
    inject(next = () => undefined) {
      faults = next
    },
    honourLateDeletes() {
      lateDeletes = 'honoured'
    },
    createQueue: create,
    async createQueueWithDeadLetters(name, maxReceiveCount) {
      const letters = name.endsWith('.fifo') ? name.replace(/\.fifo$/, '-dlq.fifo') : `${name}-dlq`
      await create(letters)
      const { QueueArn: deadLetterTargetArn } = await attributesOf(letters)
      await create(name, { RedrivePolicy: JSON.stringify({ deadLetterTargetArn, maxReceiveCount }) })
    },
    async count(name) {
      const attributes = await attributesOf(name)
      return {
        visible: Number(attributes.ApproximateNumberOfMessages),
        held: Number(attributes.ApproximateNumberOfMessagesNotVisible),
      }
    },
    async close() {
      closing.abort()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await backend.close()
    },
  }
}
