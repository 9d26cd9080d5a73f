import type { ServiceBusReceivedMessage, ServiceBusReceiver } from '@azure/service-bus'
import type { Clock } from '@queue-runtime/core'
import type { Delivery } from '@queue-runtime/core/provider'
import { CALL_MS } from './connection.ts'
import { type Carrier, createDelivery, type Lock } from './delivery.ts'
import { isUndecodable, lockLost, transportClosed, undecodable } from './errors.ts'
import type { Origin } from './incoming.ts'
import { createLink, LINK_WINDOW, type Link } from './link.ts'
import { settlerByToken } from './lock-token.ts'
import type { Draw } from './looking.ts'

/** Requirements, section 0: how long a new connection may take, in milliseconds. */
const CONNECT_MS = 30_000

interface SourceParts {
  readonly queue: string
  readonly origin: Origin
  readonly clock: Clock
  /** Makes a receiver of the SDK, which connects at its first call. */
  readonly open: () => ServiceBusReceiver
}

/** Where the messages of a receiver come from. */
export interface Source {
  readonly draw: Draw
  /** Closes all links; never rejects, and never hangs. */
  close(): Promise<void>
}

/** A queue, or its dead letters, over one link after the other: each brings so many deliveries only, or breaks. */
export function createQueueSource({ queue, origin, clock, open }: SourceParts): Source {
  /** Links that bring no more, and the locks of what they brought. */
  const full = new Map<Link, Set<Lock>>()
  let current: Link | undefined
  let held = new Set<Lock>()
  let isConnected = false
  let isClosed = false
  /** What came could not be decoded: one at a time, so that it costs no other message a delivery. */
  let isCareful = false

  const forget = (link: Link): void => {
    full.delete(link)
    if (link === current) current = undefined
  }

  const lose = (link: Link): void => {
    forget(link)
    link.lose()
  }

  const renewed = (): Link => {
    if (isClosed) throw transportClosed(queue, 'receive')
    if (current?.isOpen === false) lose(current)
    if (current === undefined) held = new Set()
    current ??= createLink(open())
    return current
  }

  const closeSpent = (): void => {
    for (const [link, locks] of full) {
      if ([...locks].some(({ until }) => until > clock.now())) continue
      forget(link)
      void link.close()
    }
  }

  const linkFor = (maxMessages: number): Link => {
    closeSpent()
    const link = renewed()
    if (link.room >= maxMessages) return link
    full.set(link, held)
    current = undefined
    return renewed()
  }

  const carrierOf = (link: Link, locks: Set<Lock>, raw: ServiceBusReceivedMessage, settled: () => void): Carrier => {
    const lock = { until: raw.lockedUntilUtc?.getTime() ?? 0 }
    locks.add(lock)
    let isTried = false
    return {
      ...{ queue, origin, lock },
      isHeld: () => clock.now() < lock.until,
      gone: lockLost,
      async settle(place, isCompletion, act) {
        if (!link.isOpen) lose(link)
        // Over a link the SDK settles a message once, whatever the answer.
        if (link.isOpen && !isTried) {
          isTried = true
          await link.settle(place, isCompletion, () => act(link.receiver))
          settled()
          return
        }
        const any = link.isOpen ? link : renewed()
        await any.call(place, CALL_MS, () => act(settlerByToken(any.receiver, raw.lockToken ?? '')))
      },
      renew(place) {
        const any = link.isOpen ? link : renewed()
        return any.call(place, CALL_MS, () => any.receiver.renewMessageLock(raw))
      },
      onEnd() {
        locks.delete(lock)
      },
    }
  }

  const deliver = (link: Link, locks: Set<Lock>, messages: readonly ServiceBusReceivedMessage[]): Delivery[] => {
    const settled = link.take(messages)
    return messages.map((raw, index) => createDelivery(raw, carrierOf(link, locks, raw, settled[index] ?? (() => {}))))
  }

  return {
    async draw(maxMessages, waitMs) {
      const place = { queue, operation: 'receive' }
      const count = isCareful ? 1 : Math.min(maxMessages, LINK_WINDOW)
      const link = linkFor(count)
      const locks = held
      const receiving = link.receiver.receiveMessages(count, { maxWaitTimeInMs: waitMs })
      try {
        const answerMs = isConnected ? CALL_MS : CONNECT_MS
        const messages = await link.call(place, waitMs + answerMs, () => receiving)
        isConnected = true
        isCareful = false
        return deliver(link, locks, messages)
      } catch (error) {
        lose(link)
        // What comes of it all the same is for nobody.
        const handBack = (late: readonly ServiceBusReceivedMessage[]) =>
          Promise.allSettled(deliver(link, locks, late).map((delivery) => delivery.abandon({ delayMs: 0 })))
        receiving.then(handBack).catch(() => {})
        if (!isUndecodable(error)) throw error
        isCareful = true
        throw undecodable(place)
      }
    },
    async close() {
      isClosed = true
      const links = [...full.keys(), ...(current === undefined ? [] : [current])]
      await Promise.all(links.map((link) => link.close()))
    },
  }
}
