import type { QueueTransport, TransportReceiver } from '@queue-runtime/core/provider'
import { createBurying, createFindLetters } from './burying.ts'
import type { Connection } from './connection.ts'
import type { Bury, DeliveryParts } from './delivery.ts'
import { noDeadLetters, transportClosed } from './errors.ts'
import { MAX_RECEIVED } from './limits.ts'
import type { SqsSettings } from './options.ts'
import { createPoll, type Poll } from './polling.ts'
import { createProbe } from './probing.ts'
import { type Address, type QueueTarget, targetOf } from './queue-names.ts'
import { createDoor, type QueueDoor } from './queue-url.ts'
import { createReceiver } from './receiver.ts'
import { createSending } from './sending.ts'
import { createSettling } from './settling.ts'

/** What the rooms of one queue share. */
export interface QueueParts {
  readonly target: QueueTarget
  readonly door: QueueDoor
  readonly delivery: DeliveryParts
  /** Of the dead-letter queue, and the parts of a delivery of it; null: there is none. */
  readonly letters: () => Promise<{ readonly door: QueueDoor; readonly delivery: DeliveryParts } | null>
}

/** Reads the dead letters of what already is one. */
const buryNoMore =
  (queue: string): Bury =>
  async () => {
    throw noDeadLetters({ queue, operation: 'deadLetter' })
  }

export function openQueue(queue: string, settings: SqsSettings, connection: Connection): QueueParts {
  const { clock, lockMs } = settings
  const target = targetOf(queue, settings.queues)
  const openDoor = (address: Address): QueueDoor =>
    createDoor(connection, address === target ? queue : address.name, address)
  const door = openDoor(target)
  const find = createFindLetters(target, door, openDoor)
  const partsOf = (of: QueueDoor, isDeadLetters: boolean, bury: Bury): DeliveryParts => ({
    ...{ queue, lockMs, clock, bury },
    origin: { isFifo: of.address.isFifo, isDeadLetters },
    settling: createSettling(queue, of),
  })
  let found: { readonly door: QueueDoor; readonly delivery: DeliveryParts } | undefined
  return {
    target,
    door,
    delivery: partsOf(door, false, createBurying({ queue, find, clock })),
    async letters() {
      const place = await find('deadLetters')
      if (place !== null) found ??= { door: place, delivery: partsOf(place, true, buryNoMore(queue)) }
      return found ?? null
    },
  }
}

/** A pass over dead letters ends at the first look that finds none. */
const LETTERS_POLL_SECONDS = 1

/** One queue of SQS. */
export function createTransport(queue: string, settings: SqsSettings, connection: Connection): QueueTransport {
  const { clock, lockMs, maxMessageBytes } = settings
  const { target, door, delivery, letters } = openQueue(queue, settings, connection)
  const { isFifo } = door.address
  const hold = connection.hold()
  const send = createSending({ queue, door, maxMessageBytes, clock })
  const main = createReceiver({ queue, poll: createPoll(door, delivery), clock, minPollSeconds: 0 })
  const receivers = new Set([main])
  let isClosed = false

  const assertOpen = (operation: string): void => {
    if (isClosed) throw transportClosed(queue, operation)
  }

  const pollLetters: Poll = async (maxMessages, seconds) => {
    const found = await letters()
    if (found === null) throw noDeadLetters({ queue, operation: 'deadLetters' })
    // A letter that is read keeps back those of its group that did not come with it.
    const most = found.door.address.isFifo ? MAX_RECEIVED : maxMessages
    return createPoll(found.door, found.delivery)(most, seconds)
  }

  const openDeadLetters = (): TransportReceiver => {
    assertOpen('deadLetters')
    const receiver = createReceiver({ queue, poll: pollLetters, clock, minPollSeconds: LETTERS_POLL_SECONDS })
    receivers.add(receiver)
    void receiver.ended.then(() => receivers.delete(receiver))
    return receiver
  }

  return {
    lockMs,
    features: { deliverAt: !isFifo, timeToLive: false, abandonDelay: true, sessionIds: isFifo ? 'required' : 'none' },
    async send(messages, options) {
      options.signal.throwIfAborted()
      assertOpen('send')
      return send(messages, options)
    },
    receive: main.receive,
    ...(target.deadLetter !== false && { deadLetters: openDeadLetters }),
    probe: createProbe(door),
    async close() {
      isClosed = true
      const all = [...receivers]
      await Promise.all(all.map((receiver) => receiver.close()))
      hold.leave()
      void Promise.all(all.map(({ ended }) => ended)).then(hold.release)
    },
  }
}
