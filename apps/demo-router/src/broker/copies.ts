import type { MessageFacts } from '@queue-runtime/core'
import type { QueueName } from '../github/routes.ts'
import type { Place } from '../place.ts'

/** What a broker keeps of a message and hands out again. Nothing of it is verified. */
export interface WireFields {
  readonly messageId: string
  readonly body: Uint8Array
  readonly sessionId?: string | undefined
  readonly correlationId?: string | undefined
  readonly contentType?: string | undefined
  readonly attributes?: Readonly<Record<string, string>> | undefined
}

/** One copy of a message as a broker stores it. */
export interface StoredCopy extends Place, WireFields {
  readonly attributes: Readonly<Record<string, string>>
}

/** What of a delivery tells which copy it brings. */
type DeliveredFields = Pick<MessageFacts, 'brokerMessageId'> & WireFields

/**
 * The copies that lie at a broker, as those who send, receive and settle know them. Brokers number their copies in ways of their
 * own, and do not tell the sender: a delivery is recognised by what it brings when it comes for the first time, and by the
 * broker's number from then on.
 */
export interface Copies {
  /** A message is about to be stored. */
  add(queue: QueueName, message: WireFields): StoredCopy
  /** The copy that a delivery brings; a new one where nobody was seen to send it. */
  delivered(queue: QueueName, message: DeliveredFields): StoredCopy
  /** The copy that was delivered under this number. */
  find(queue: QueueName, brokerMessageId: string): StoredCopy | undefined
  /** The copy goes back to where it was taken from. */
  restore(copy: StoredCopy): void
  /** The copy left its queue, or never got there. */
  remove(copy: StoredCopy): void
  /** What lies in a queue, oldest first. */
  lyingIn(queue: QueueName): StoredCopy[]
}

/** A refusal is told after the message was settled: so many that left are still known by their number, bodies included. */
const REMEMBERED = 500

const isSameBody = (one: WireFields, other: WireFields): boolean => Buffer.compare(one.body, other.body) === 0

const attributesText = ({ attributes = {} }: WireFields): string => JSON.stringify(Object.entries(attributes).sort())

/** True where two copies cannot be told apart by what a broker hands out. */
export const isSameContent = (one: WireFields, other: WireFields): boolean =>
  one.messageId === other.messageId && isSameBody(one, other) && attributesText(one) === attributesText(other)

export function createCopies(): Copies {
  const lying = new Map<string, StoredCopy>()
  /** Stored and never delivered, by queue and message id. */
  const fresh = new Map<string, StoredCopy[]>()
  const byNumber = new Map<string, StoredCopy>()
  let count = 0

  const freshAt = ({ queue, messageId }: { queue: QueueName; messageId: string }): string => `${queue}/${messageId}`

  const forgetFresh = (copy: StoredCopy): void => {
    const at = freshAt(copy)
    const others = fresh.get(at)?.filter((one) => one !== copy) ?? []
    if (others.length > 0) fresh.set(at, others)
    else fresh.delete(at)
  }

  const restore = (copy: StoredCopy): void => {
    lying.set(copy.key, copy)
    fresh.set(freshAt(copy), [...(fresh.get(freshAt(copy)) ?? []), copy])
  }

  const add: Copies['add'] = (queue, { messageId, body, sessionId, correlationId, contentType, attributes = {} }) => {
    count += 1
    const copy: StoredCopy = {
      ...{ queue, key: String(count), messageId, body: Uint8Array.from(body) },
      ...{ sessionId, correlationId, contentType, attributes },
    }
    restore(copy)
    return copy
  }

  const forgetOldest = (): void => {
    for (const [number, copy] of byNumber) {
      if (lying.has(copy.key)) continue
      byNumber.delete(number)
      return
    }
  }

  /** The most alike of those that were stored under this message id, the oldest of them first. */
  const recognise = (queue: QueueName, message: DeliveredFields): StoredCopy | undefined => {
    const candidates = fresh.get(freshAt({ queue, messageId: message.messageId })) ?? []
    return (
      candidates.find((copy) => isSameContent(copy, message)) ??
      candidates.find((copy) => isSameBody(copy, message)) ??
      candidates[0]
    )
  }

  return {
    add,
    delivered(queue, message) {
      const number = `${queue}/${message.brokerMessageId}`
      const known = byNumber.get(number)
      if (known !== undefined) return known
      const copy = recognise(queue, message) ?? add(queue, message)
      forgetFresh(copy)
      byNumber.set(number, copy)
      if (byNumber.size - lying.size > REMEMBERED) forgetOldest()
      return copy
    },
    restore,
    find: (queue, brokerMessageId) => byNumber.get(`${queue}/${brokerMessageId}`),
    remove(copy) {
      lying.delete(copy.key)
      forgetFresh(copy)
    },
    lyingIn: (queue) => [...lying.values()].filter((copy) => copy.queue === queue),
  }
}
