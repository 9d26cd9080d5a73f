import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Delivery } from '../demo/deliveries.ts'
import type { Post } from '../demo/post.ts'
import type { QueueName } from '../github/routes.ts'
import type { Books } from './books.ts'
import { LabConflict } from './conflict.ts'

/** A steady flow of signed deliveries over HTTP, as GitHub would post them. */
export interface Traffic {
  readonly isOn: boolean
  /** Deliveries that the router could not take yet: they are posted again until it does. */
  readonly waiting: number
  turn(on: boolean): void
  /** Posts fresh deliveries for one queue now, beside the flow; resolves with their ids when the router has taken them all. */
  deliver(queue: QueueName, count: number, alter?: (delivery: Delivery) => Delivery): Promise<string[]>
  /** Lets no new delivery out while `work` runs, and begins it when all posts were answered. */
  still<T>(work: () => Promise<T>): Promise<T>
  close(): Promise<void>
}

export interface TrafficOptions {
  readonly post: Post
  readonly books: Books
  /** Deliveries for bots, without end. */
  readonly next: (queue?: QueueName) => readonly [QueueName, Delivery]
  readonly perSecond?: number
  /** How soon a delivery that was refused is posted again. Default 1 s. */
  readonly againMs?: number
}

interface Posted {
  readonly deliveryId: string
  readonly delivery: Delivery
}

const DEFAULT_PER_SECOND = 4
const DEFAULT_AGAIN_MS = 1_000
/** So many wait for the router at most; then nothing new happens until it answers. */
const MAX_WAITING = 2_000
/** A router that takes none of the attacker's bait in so many attempts will not take it at all. */
const MAX_TRIES = 5
const ACCEPTED = 202

/** After an outage of the broker the router finds out half a minute later that it may try again. */
const routerRefuses = (status: number | undefined): LabConflict =>
  new LabConflict(
    'router',
    status === 503
      ? 'The router does not reach the broker yet; try again in half a minute.'
      : `The router answered ${status ?? 'nothing'}.`,
  )

export function createTraffic(options: TrafficOptions): Traffic {
  const { post, books, next, perSecond = DEFAULT_PER_SECOND, againMs = DEFAULT_AGAIN_MS } = options
  const refused: Posted[] = []
  const underWay = new Set<Promise<unknown>>()
  const closing = new AbortController()
  const { signal } = closing
  let isOn = false
  let stillness = 0

  const attempt = async (posted: Posted): Promise<number | undefined> => {
    const { delivery, deliveryId } = posted
    const posting = post(delivery, deliveryId).catch(() => undefined)
    underWay.add(posting)
    const status = await posting
    underWay.delete(posting)
    return status
  }

  const make = (queue?: QueueName, alter = (delivery: Delivery): Delivery => delivery): Posted => {
    const [owner, found] = next(queue)
    const delivery = alter(found)
    const deliveryId = randomUUID()
    books.post(deliveryId, delivery, owner)
    return { delivery, deliveryId }
  }

  const flow = async (): Promise<void> => {
    while (!signal.aborted) {
      await delay(1_000 / perSecond, undefined, { signal }).catch(() => {})
      if (!isOn || stillness > 0 || signal.aborted || refused.length >= MAX_WAITING) continue
      const posted = make()
      void attempt(posted).then((status) => {
        if (status !== ACCEPTED) refused.push(posted)
      })
    }
  }

  const flowAgain = async (): Promise<void> => {
    while (!signal.aborted) {
      await delay(againMs, undefined, { signal }).catch(() => {})
      while (!signal.aborted && stillness === 0) {
        const [oldest] = refused
        if (oldest === undefined || (await attempt(oldest)) !== ACCEPTED) break
        refused.shift()
      }
    }
  }

  const flows = Promise.all([flow(), flowAgain()])

  const deliver: Traffic['deliver'] = async (queue, count, alter) => {
    const posted = Array.from({ length: count }, () => make(queue, alter))
    for (const one of posted) {
      let status = await attempt(one)
      for (let tries = 1; status !== ACCEPTED; tries += 1) {
        if (tries >= MAX_TRIES) throw routerRefuses(status)
        await delay(againMs, undefined, { signal })
        status = await attempt(one)
      }
    }
    return posted.map(({ deliveryId }) => deliveryId)
  }

  return {
    get isOn() {
      return isOn
    },
    get waiting() {
      return refused.length
    },
    turn(on) {
      isOn = on
    },
    deliver,
    async still(work) {
      stillness += 1
      try {
        await Promise.all(underWay)
        return await work()
      } finally {
        stillness -= 1
      }
    },
    async close() {
      closing.abort()
      await flows
      await Promise.all(underWay)
    },
  }
}
