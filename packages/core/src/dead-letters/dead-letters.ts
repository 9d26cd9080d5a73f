import { hideBody } from '../base/hide-body.ts'
import type { CallOptions, Options } from '../base/options.ts'
import type { QueueProtection } from '../contracts/protection.ts'
import type { Delivery, TransportReceiver } from '../contracts/transport.ts'
import { createContent } from '../message/content.ts'
import { factsOf } from '../message/facts.ts'
import type { Content, MessageFacts } from '../message/message.ts'
import { createSettlement, type Settlement } from '../settling/settlement.ts'
import type { Unsettled } from '../settling/unsettled.ts'

/** A message in the dead-letter queue, under a lock, sealed as it came. Its inspect output and its JSON hold no body. */
export interface DeadLetter extends MessageFacts {
  readonly reason: string | undefined
  readonly description: string | undefined
  /**
   * Resolves with the content after the tag was verified. Freshness and replay are not looked at: an old letter opens.
   * @throws what unprotecting found, such as AuthenticationFailed, or KeyProviderError while the key store is down
   */
  open(): Promise<Content>
  /** Removes the letter for good. */
  complete(): Promise<void>
  /** Leaves the letter where it is and gives up its lock. */
  abandon(): Promise<void>
}

/** The reader of a dead-letter queue. */
export interface DeadLetters {
  /**
   * One pass: yields each letter that is there once, up to `maxMessages`, and ends. Letters left unsettled are given back
   * when the pass ends. An abort ends the iteration without an error.
   *
   * @example
   * for await (const letter of client.deadLetters().messages()) console.log(letter.reason, (await letter.open()).text())
   */
  messages(options?: CallOptions & Options<{ maxMessages: number }>): AsyncIterable<DeadLetter>
}

const createDeadLetter = ({ message }: Delivery, settlement: Settlement, protection: QueueProtection): DeadLetter => {
  const facts = {
    ...factsOf(message),
    reason: message.deadLettered?.reason,
    description: message.deadLettered?.description,
  }
  const letter: DeadLetter = {
    ...facts,
    async open() {
      const [result] = await protection.unprotect([message], { purpose: 'inspect' })
      if (result === undefined || 'error' in result) throw result?.error
      return createContent(message.messageId, result)
    },
    complete: () => settlement.complete(),
    abandon: () => settlement.abandon({ delayMs: 0 }),
  }
  return hideBody(letter, () => facts)
}

interface PassParts {
  readonly queue: string
  readonly receiver: TransportReceiver
  readonly protection: QueueProtection
  readonly unsettled: Unsettled
  readonly maxMessages: number
  readonly signal: AbortSignal
}

/** Yields the letters of `receiver`, and closes it when the pass ends. */
export async function* readDeadLetters(parts: PassParts): AsyncGenerator<DeadLetter, void, undefined> {
  const { queue, receiver, protection, unsettled, maxMessages, signal } = parts
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
      const settlement = createSettlement(delivery, null, { queue, onEnd: forget })
      unsettled.add(settlement)
      settlements.add(settlement)
      // A letter whose lock ended during the pass comes again: it stays locked, so that the pass gets on to the next.
      if (seen.has(delivery.message.brokerMessageId)) continue
      seen.add(delivery.message.brokerMessageId)
      yield createDeadLetter(delivery, settlement, protection)
    }
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    await Promise.allSettled(Array.from(settlements, (settlement) => settlement.release()))
    await receiver.close()
  }
}
