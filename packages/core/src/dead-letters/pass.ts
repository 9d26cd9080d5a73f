import { hideBody } from '../base/hide-body.ts'
import type { ClientParts } from '../client-parts.ts'
import type { Delivery, TransportReceiver } from '../contracts/transport.ts'
import { createContent } from '../message/content.ts'
import { factsOf, logFields } from '../message/facts.ts'
import type { Content, Seal } from '../message/message.ts'
import type { Sender } from '../sending/sender.ts'
import { createSettlement, type Settlement } from '../settling/settlement.ts'
import type { Unsettled } from '../settling/unsettled.ts'
import type { WatchSettling } from '../settling/watch-settling.ts'
import type { DeadLetter } from './dead-letter.ts'

interface PassParts {
  readonly client: ClientParts
  readonly receiver: TransportReceiver
  readonly sender: Sender
  readonly unsettled: Unsettled
  readonly maxMessages: number
  readonly signal: AbortSignal
}

const createDeadLetter = (delivery: Delivery, settlement: Settlement, parts: PassParts): DeadLetter => {
  const { client, sender, signal } = parts
  const { message } = delivery
  const facts = {
    ...factsOf(message),
    reason: message.deadLettered?.reason,
    description: message.deadLettered?.description,
  }

  const unprotect = async (): Promise<{ body: Uint8Array; seal: Seal | null }> => {
    const [result] = await client.protection.unprotect([message], { purpose: 'inspect', signal })
    if (result === undefined || 'error' in result) throw result?.error
    return result
  }

  const resend = async (): Promise<void> => {
    const { messageId, sessionId, correlationId, contentType, attributes } = facts
    const { body, seal } = await unprotect()
    const fields = { messageId, sessionId, correlationId, contentType, attributes }
    await sender.resend({ ...fields, body }, seal?.encryptedAt, signal)
  }

  const letter: DeadLetter = {
    ...facts,
    open: async (): Promise<Content> => createContent(message.messageId, await unprotect()),
    async redrive() {
      await resend()
      client.logger.info(logFields(client.queue, 'redrive', message), 'Dead letter sent again')
      await settlement.complete()
    },
    complete: () => settlement.complete(),
    abandon: () => settlement.abandon({ delayMs: 0 }),
  }
  return hideBody(letter, () => facts)
}

/** Yields the letters of `receiver`, and closes it when the pass ends. */
export async function* readDeadLetters(parts: PassParts): AsyncGenerator<DeadLetter, void, undefined> {
  const { client, receiver, unsettled, maxMessages, signal } = parts
  /** Letters are no messages of the queue: they count for none of its rates. */
  const watch: WatchSettling = (operation, message, act) => client.tracing.settling(operation, message, act)
  const settlements = new Set<Settlement>()
  const seen = new Set<string>()
  const forget = (settlement: Settlement): void => {
    settlements.delete(settlement)
    unsettled.delete(settlement)
  }
  try {
    while (seen.size < maxMessages && !signal.aborted) {
      const [delivery] = await receiver.receive({ maxMessages: 1, waitMs: 0, signal })
      if (delivery === undefined) return
      const settlement = createSettlement(delivery, null, { queue: client.queue, watch, onEnd: forget })
      unsettled.add(settlement)
      settlements.add(settlement)
      // A letter whose lock ended during the pass comes again: it stays locked, so that the pass gets on to the next.
      if (seen.has(delivery.message.brokerMessageId)) continue
      seen.add(delivery.message.brokerMessageId)
      yield createDeadLetter(delivery, settlement, parts)
    }
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    await Promise.allSettled(Array.from(settlements, (settlement) => settlement.release()))
    await receiver.close()
  }
}
