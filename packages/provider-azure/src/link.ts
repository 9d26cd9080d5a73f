import type { ServiceBusReceivedMessage, ServiceBusReceiver } from '@azure/service-bus'
import { CALL_MS } from './connection.ts'
import type { Place } from './errors.ts'
import { createSettlementGate } from './settlement-gate.ts'
import { createUnderWay } from './under-way.ts'

/**
 * How many deliveries a link brings from the oldest unsettled one on. rhea, under the SDK, keeps 2 048 of them; beyond that a
 * link brings nothing more, without a word.
 */
export const LINK_WINDOW = 2_000

/** Closing waits for an answer that a broken connection never brings, in milliseconds. */
const CLOSE_MS = 1_000

/** What of rhea's link is used. The types of the SDK hide it. */
interface AmqpLink {
  is_open(): boolean
}

const linkOf = (message: ServiceBusReceivedMessage): AmqpLink | undefined => {
  const { delivery } = message as { readonly delivery?: { readonly link?: Partial<AmqpLink> } }
  return delivery?.link?.is_open === undefined ? undefined : (delivery.link as AmqpLink)
}

/** One receiver of the SDK for as long as it has one AMQP link: settlements belong to the link that brought the message. */
export interface Link {
  readonly receiver: ServiceBusReceiver
  /** False once it is known to be gone: nothing can be settled on it any more. */
  readonly isOpen: boolean
  /** How many more deliveries it can bring. */
  readonly room: number
  /** Notes what it brought; returns how to note that a delivery was settled, for each. */
  take(messages: readonly ServiceBusReceivedMessage[]): (() => void)[]
  /** Settles on the link itself, apart from what must not be written together. */
  settle(place: Place, isCompletion: boolean, act: () => Promise<void>): Promise<void>
  /** Makes any other call; it fails at once when the link is lost. */
  call<T>(place: Place, timeoutMs: number, act: () => Promise<T>): Promise<T>
  /** Ends all calls and closes the receiver in the background: the SDK would open another link under the same name. */
  lose(): void
  /** Closes the receiver; never rejects, and never hangs. */
  close(): Promise<void>
}

export function createLink(receiver: ServiceBusReceiver): Link {
  const gate = createSettlementGate()
  const calls = createUnderWay(() => receiver)
  const unsettled = new Set<number>()
  let brought = 0
  let amqpLink: AmqpLink | undefined
  let isLost = false

  const isOpen = (): boolean => !isLost && !receiver.isClosed && amqpLink?.is_open() !== false

  const close = async (): Promise<void> => {
    let timer: NodeJS.Timeout | undefined
    const enough = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CLOSE_MS)
    })
    await Promise.race([receiver.close().catch(() => {}), enough])
    clearTimeout(timer)
  }

  const lose = (): void => {
    if (isLost) return
    isLost = true
    calls.fail()
    void close()
  }

  return {
    receiver,
    get isOpen() {
      return isOpen()
    },
    get room() {
      const [oldest = brought] = unsettled
      return LINK_WINDOW - (brought - oldest)
    },
    take(messages) {
      const [first] = messages
      const now = first && linkOf(first)
      // Opened anew meanwhile: the SDK would settle the old ones by the delivery numbers of the new link.
      if (amqpLink !== undefined && now !== undefined && now !== amqpLink) lose()
      amqpLink = now ?? amqpLink
      return messages.map(() => {
        const index = brought
        brought += 1
        unsettled.add(index)
        return () => void unsettled.delete(index)
      })
    },
    settle: (place, isCompletion, act) => gate.run(isCompletion, () => calls.run(place, CALL_MS, act)),
    call: calls.run,
    lose,
    close,
  }
}
