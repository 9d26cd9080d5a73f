import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { envelopeOf } from './envelope.ts'
import { openJournal } from './journal.ts'
import { queuePath, readPlace } from './place.ts'
import { sayReady, toldToFinish } from './program.ts'
import { randomFrom } from './random.ts'
import { ask, idOf, type Sent, withId } from './sqs.ts'

// Stands between the sender and the queue, passes everything on, and copies every envelope into the queue once at least.

const finish = toldToFinish()
const { folder, name, seed, endpoint } = readPlace()
const random = randomFrom(seed)
const journal = openJournal(folder, name)
const queueUrl = `${endpoint}${queuePath}`
const underway = new Set<Promise<void>>()

const soonMs = 1_500
const lateMs = 9_000

const envelopeIn = ({ MessageBody }: Sent): string => envelopeOf(Buffer.from(MessageBody, 'base64'))

async function copy(message: Sent, as: 'exact' | 'altered', delayMs: number): Promise<void> {
  await sleep(delayMs)
  const { MessageId: broker } = await ask<{ MessageId: string }>(endpoint, 'SendMessage', {
    QueueUrl: queueUrl,
    MessageBody: message.MessageBody,
    MessageAttributes: message.MessageAttributes,
  })
  journal.write({ fact: 'copied', as, broker, envelope: envelopeIn(message), id: idOf(message) })
}

function later(...what: Parameters<typeof copy>): void {
  const copying = copy(...what)
  underway.add(copying)
  void copying.then(() => underway.delete(copying))
}

/** Before the original where it is quick, while that is handled, long after. */
function attack(message: Sent): void {
  later(message, 'exact', random.chance(0.2) ? 0 : random.between(0, soonMs))
  if (random.chance(0.4)) later(message, 'exact', random.between(soonMs, lateMs))
  if (random.chance(0.1)) later(withId(message, `forged-${idOf(message)}`), 'altered', random.between(0, lateMs))
}

interface Answer {
  readonly MessageId?: string
  readonly Successful?: readonly { readonly Id: string; readonly MessageId: string }[]
}

/** One message, or those of a batch by their ids in it. */
const messagesIn = (body: Sent & { Entries?: readonly (Sent & { Id: string })[] }): ReadonlyMap<string, Sent> =>
  new Map(body.Entries?.map((entry) => [entry.Id, entry]) ?? [['', body]])

const brokerIdsIn = (answer: Answer): readonly (readonly [string, string])[] =>
  answer.Successful?.map(({ Id, MessageId }) => [Id, MessageId]) ?? [['', answer.MessageId ?? '']]

async function pass(action: string, body: object): Promise<object> {
  const messages = action.startsWith('SendMessage') ? messagesIn(body as Sent) : new Map<string, Sent>()
  for (const message of messages.values()) if (random.chance(0.1)) await copy(message, 'exact', 0)
  const answer = await ask<Answer>(endpoint, action, { ...body, QueueUrl: queueUrl })
  for (const [id, broker] of messages.size > 0 ? brokerIdsIn(answer) : []) {
    const message = messages.get(id)
    if (message === undefined) continue
    journal.write({ fact: 'seen', broker, envelope: envelopeIn(message), id: idOf(message) })
    attack(message)
  }
  return answer
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

const server = createServer((request, response) => {
  const action = String(request.headers['x-amz-target']).replace('AmazonSQS.', '')
  read(request)
    .then(async (text) => {
      const answer = await pass(action, JSON.parse(text))
      response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(answer))
    })
    .catch(() => response.destroy())
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
sayReady({ endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })

await finish
while (underway.size > 0) await Promise.all(underway)
process.exit(0)
