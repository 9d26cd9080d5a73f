import type { Right } from '../access.ts'
import type { Content, Entry, Hold, Properties } from '../store/entry.ts'
import type { Outcome, Queue, Source } from '../store/queue.ts'
import { AmqpRefusal, CONDITION } from './conditions.ts'
import { contentsOf } from './content.ts'
import { tokenOfUuid, uuidOf } from './lock-token.ts'
import { type Typed, types } from './rhea.ts'
import { type AmqpMap, bytesOf, listOf, mapOf, numberOf, textOf } from './values.ts'
import { wireMessage } from './wire-message.ts'

interface ManagementRequest {
  readonly queue: Queue
  readonly source: Source
  readonly body: AmqpMap
  /** The link on whose behalf it is asked. */
  readonly linkName: string | undefined
}

/** Returns the body of the reply, or undefined where there is nothing to tell. */
type Operation = (request: ManagementRequest) => object | undefined

const LONG = 0x81
const TIMESTAMP = 0x83

const longs = (values: readonly number[]): Typed => types.wrap_array(values, LONG, undefined)
const moments = (values: readonly number[]): Typed => types.wrap_array(values, TIMESTAMP, undefined)

function needed<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new AmqpRefusal(CONDITION.invalidField, `The request has no valid ${name}.`)
  return value
}

const eachOf = <T>(value: unknown, read: (item: unknown) => T | undefined, name: string): T[] =>
  listOf(value).map((item) => needed(read(item), name))

const tokensIn = (body: AmqpMap): string[] => eachOf(body['lock-tokens'], bytesOf, 'lock-tokens').map(tokenOfUuid)

const sequenceNumbersIn = (body: AmqpMap): number[] => eachOf(body['sequence-numbers'], numberOf, 'sequence-numbers')

const sessionIdIn = (body: AmqpMap): string => needed(textOf(body['session-id']), 'session-id')

const heldIn = ({ queue, body, linkName }: ManagementRequest): Hold => queue.held(sessionIdIn(body), linkName)

const peeked = (entry: Entry): object => ({ message: wireMessage(entry, undefined) })

/** What `update-disposition` calls the outcomes. */
const OUTCOMES: Readonly<Record<string, Outcome>> = {
  completed: 'complete',
  abandoned: 'abandon',
  defered: 'defer',
  suspended: 'deadLetter',
}

const settledProperties = (body: AmqpMap): Properties => {
  const reason = textOf(body['deadletter-reason'])
  const description = textOf(body['deadletter-description'])
  return {
    ...mapOf(body['properties-to-modify']),
    ...(reason === undefined ? {} : { DeadLetterReason: reason }),
    ...(description === undefined ? {} : { DeadLetterErrorDescription: description }),
  }
}

const scheduledIn = (item: unknown): Content[] => contentsOf(needed(bytesOf(mapOf(item).message), 'message'), 0)

/** Receive mode of `receive-by-sequence-number`: 0 deletes, 1 locks. */
const DELETE = 0

/** Operations for which a client must be allowed to send. */
const OF_SENDERS = new Set(['schedule-message', 'cancel-scheduled-message'])

/** The right that an operation takes. */
export const rightFor = (operation: string): Right => (OF_SENDERS.has(operation) ? 'Send' : 'Listen')

/** The operations of the management node by name, without `com.microsoft:`. */
export const OPERATIONS: Readonly<Record<string, Operation>> = {
  'renew-lock': ({ queue, body }) => ({ expirations: moments(tokensIn(body).map(queue.renew)) }),
  'renew-session-lock': (request) => ({ expiration: new Date(request.queue.renewSession(heldIn(request))) }),
  'peek-message': ({ source, body }) => {
    const from = numberOf(body['from-sequence-number']) ?? 0
    const found = source.peek(from, numberOf(body['message-count']) ?? 1, textOf(body['session-id']))
    return found.length === 0 ? undefined : { messages: found.map(peeked) }
  },
  'receive-by-sequence-number': (request) => {
    const { source, body } = request
    const mode = numberOf(body['receiver-settle-mode']) === DELETE ? 'delete' : 'lock'
    const hold = source.requiresSession ? heldIn(request) : undefined
    const taken = source.takeDeferred(sequenceNumbersIn(body), mode, hold)
    return {
      messages: taken.map(({ entry, lock }) => ({
        ...(lock === undefined ? {} : { 'lock-token': types.wrap_uuid(uuidOf(lock.token)) }),
        message: wireMessage(entry, lock),
      })),
    }
  },
  'update-disposition': ({ queue, body }) => {
    const outcome = needed(OUTCOMES[textOf(body['disposition-status']) ?? ''], 'disposition-status')
    const properties = settledProperties(body)
    for (const token of tokensIn(body)) queue.settle(token, outcome, properties)
    return {}
  },
  'schedule-message': ({ queue, body }) => ({
    'sequence-numbers': longs(queue.send(listOf(body.messages).flatMap(scheduledIn))),
  }),
  'cancel-scheduled-message': ({ queue, body }) => {
    queue.cancel(sequenceNumbersIn(body))
    return {}
  },
  'get-session-state': (request) => {
    heldIn(request)
    return { 'session-state': request.queue.sessionState(sessionIdIn(request.body)) ?? null }
  },
  'set-session-state': (request) => {
    heldIn(request)
    request.queue.setSessionState(sessionIdIn(request.body), bytesOf(request.body['session-state']))
    return {}
  },
}
