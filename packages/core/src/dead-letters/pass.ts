import { OVER } from '../base/signals.ts'
import type { ClientParts } from '../client-parts.ts'
import type { Delivery, TransportReceiver } from '../contracts/transport.ts'
import type { Sender } from '../sending/sender.ts'
import { DEFAULT_RENEW_MS, keepLock } from '../settling/keep-lock.ts'
import { createSettlement, type Settlement } from '../settling/settlement.ts'
import type { Unsettled } from '../settling/unsettled.ts'
import type { WatchSettling } from '../settling/watch-settling.ts'
import type { DeadLetter } from './dead-letter.ts'
import { createDeadLetter } from './letter.ts'

interface PassParts {
  readonly client: ClientParts
  readonly receiver: TransportReceiver
  readonly sender: Sender
  readonly unsettled: Unsettled
  readonly maxMessages: number
  readonly signal: AbortSignal
}

/** What a pass holds: all that it looked at and nobody settled stays locked, so that it does not come again. */
interface InHand {
  take(delivery: Delivery): Settlement
  /** Gives back what was not settled. */
  release(): Promise<void>
}

function createInHand({ client, unsettled }: PassParts): InHand {
  const { queue, clock, tracing } = client
  const held = new Map<Settlement, AbortController>()
  /** Letters are no messages of the queue: they count for none of its rates. */
  const watch: WatchSettling = (operation, message, act) => tracing.settling(operation, message, act)
  let renewUntil = 0

  const forget = (settlement: Settlement): void => {
    held.get(settlement)?.abort(OVER)
    held.delete(settlement)
    unsettled.delete(settlement)
  }

  return {
    take(delivery) {
      const settlement = createSettlement(delivery, null, { queue, watch, onEnd: forget })
      const over = new AbortController()
      held.set(settlement, over)
      unsettled.add(settlement)
      // A pass that goes on keeps them all; one that nobody goes on with lets go of them.
      renewUntil = clock.now() + DEFAULT_RENEW_MS
      keepLock(settlement, { clock, renewUntil: () => renewUntil, signal: over.signal }).catch(() => {})
      return settlement
    },
    async release() {
      await Promise.allSettled(Array.from(held.keys(), (settlement) => settlement.release()))
      for (const settlement of held.keys()) forget(settlement)
    },
  }
}

/** Yields each letter of `receiver` once, and closes it when the pass ends. */
export async function* readDeadLetters(parts: PassParts): AsyncGenerator<DeadLetter, void, undefined> {
  const { client, receiver, sender, maxMessages, signal } = parts
  const inHand = createInHand(parts)
  const seen = new Set<string>()
  const sent = new Set<string>()
  const onSent = (messageId: string): void => void sent.add(messageId)
  let isOver = false
  let given = 0
  let repeats = 0
  try {
    // Where locks end faster than the pass gets on, it would meet the same letters for ever.
    while (given < maxMessages && repeats <= seen.size && !signal.aborted) {
      const [delivery] = await client.retry.run('deadLetters', { signal }, (each) =>
        receiver.receive({ maxMessages: 1, waitMs: 0, signal: each }),
      )
      if (delivery === undefined) return
      const settlement = inHand.take(delivery)
      const { brokerMessageId, messageId } = delivery.message
      const isBack = seen.has(brokerMessageId) || sent.has(messageId)
      seen.add(brokerMessageId)
      repeats = isBack ? repeats + 1 : 0
      if (isBack) continue
      given += 1
      yield createDeadLetter(delivery, settlement, { client, sender, signal, isOver: () => isOver, onSent })
    }
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    isOver = true
    await inHand.release()
    await receiver.close()
  }
}
