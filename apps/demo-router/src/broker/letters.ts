import type { QueueProvider } from '@queue-runtime/core'
import type { Delivery } from '@queue-runtime/core/provider'
import type { QueueName } from '../github/routes.ts'
import { isSameContent, type StoredCopy, type WireFields } from './copies.ts'

/** A dead letter as the broker hands it out. */
interface Letter extends WireFields {
  readonly reason: string
}

/** The dead letters of every queue, as the broker itself shows them. */
export interface Letters {
  /** Reads those of a queue anew, and leaves them where they are. */
  refresh(queue: QueueName): Promise<void>
  /** Why a copy is a dead letter, as the broker says; undefined where it was not seen to be one. */
  reasonOf(copy: StoredCopy): string | undefined
}

/** The most that one receive brings on every broker. */
const MAX_RECEIVED = 10

const read = async (provider: QueueProvider, queue: QueueName, signal: AbortSignal): Promise<Delivery[]> => {
  const transport = provider.open(queue)
  const reader = transport.deadLetters?.()
  const held: Delivery[] = []
  try {
    for (;;) {
      const deliveries = (await reader?.receive({ maxMessages: MAX_RECEIVED, waitMs: 0, signal })) ?? []
      if (deliveries.length === 0) return held
      held.push(...deliveries)
    }
  } finally {
    for (const delivery of held) await delivery.abandon({ delayMs: 0 })
    await reader?.close()
    await transport.close()
  }
}

/** `signal` ends the reading. */
export function createLetters(provider: QueueProvider, signal: AbortSignal): Letters {
  const known = new Map<QueueName, Map<string, Letter>>()
  return {
    async refresh(queue) {
      const letters = known.get(queue) ?? new Map<string, Letter>()
      known.set(queue, letters)
      for (const { message } of await read(provider, queue, signal)) {
        const { brokerMessageId, deadLettered } = message
        letters.set(brokerMessageId, { ...message, reason: deadLettered?.reason ?? '' })
      }
    },
    reasonOf(copy) {
      const letters = [...(known.get(copy.queue)?.values() ?? [])]
      return letters.find((letter) => isSameContent(letter, copy))?.reason
    },
  }
}
