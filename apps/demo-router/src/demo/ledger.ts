import type { ReceivedMessage, RejectedMessage } from '@queue-runtime/core'
import type { QueueName } from '../github/routes.ts'
import type { Place } from '../place.ts'
import { EVENT_ATTRIBUTE } from '../router.ts'
import type { Delivery } from './deliveries.ts'
import type { Observer } from './observer.ts'

/** One posted delivery and what became of it. Moments are of `performance.now()`. */
export interface Entry {
  readonly deliveryId: string
  readonly delivery: Delivery
  readonly body: Buffer
  /** Whose bot must read it; undefined: nobody's. */
  readonly queue: QueueName | undefined
  readonly postedAt: number
  /** The answer of the router. */
  status: number | undefined
  readonly reads: Read[]
}

interface Read {
  readonly queue: QueueName
  readonly at: number
  /** The bytes, the event and the correlation id are those that were posted. */
  readonly isIntact: boolean
}

interface Rejection extends Place {
  readonly rejected: RejectedMessage
}

/** Keeps the books of a run: what was posted, what each bot read, what was refused. */
export interface Ledger extends Pick<Required<Observer>, 'read' | 'rejected'> {
  readonly entries: readonly Entry[]
  readonly rejections: readonly Rejection[]
  /** Messages that bots read and that nobody posted. */
  readonly strangers: number
  post(deliveryId: string, delivery: Delivery, queue: QueueName | undefined): Entry
  /** True when a bot's handler saw the message at this place. */
  wasRead(place: Place): boolean
}

export function createLedger(): Ledger {
  const entries = new Map<string, Entry>()
  const rejections: Rejection[] = []
  const keysRead = new Set<string>()
  let strangers = 0

  const isIntact = (entry: Entry, { messageId, correlationId, seal }: ReceivedMessage, bytes: Uint8Array): boolean =>
    entry.body.equals(bytes) &&
    correlationId === messageId &&
    seal?.attributes[EVENT_ATTRIBUTE] === entry.delivery.event

  return {
    get entries() {
      return [...entries.values()]
    },
    rejections,
    get strangers() {
      return strangers
    },
    post(deliveryId, delivery, queue) {
      const body = Buffer.from(delivery.body)
      const entry: Entry = {
        ...{ deliveryId, delivery, body, queue },
        postedAt: performance.now(),
        status: undefined,
        reads: [],
      }
      entries.set(deliveryId, entry)
      return entry
    },
    read({ queue, key }, message, bytes) {
      keysRead.add(key)
      const entry = entries.get(message.messageId)
      if (entry === undefined) strangers += 1
      else entry.reads.push({ queue, at: performance.now(), isIntact: isIntact(entry, message, bytes) })
    },
    rejected({ queue, key }, rejected) {
      rejections.push({ queue, key, rejected })
    },
    wasRead: ({ key }) => keysRead.has(key),
  }
}
