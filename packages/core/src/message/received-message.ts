import { checkOptions, option } from '../base/check.ts'
import { isQueueError } from '../base/errors.ts'
import { hideBody } from '../base/hide-body.ts'
import type { Options } from '../base/options.ts'
import type { IncomingMessage } from '../contracts/transport.ts'
import type { Settlement } from '../settling/settlement.ts'
import { createContent } from './content.ts'
import { factsOf } from './facts.ts'
import type { DeadLetterReason, ReceivedMessage, Seal } from './message.ts'

const checkDelay = (options: Options<{ delayMs: number }> = {}): number => {
  checkOptions(options, { delayMs: option.wholeNumber(0) })
  return options.delayMs ?? 0
}

const checkReason = (given: DeadLetterReason): void => {
  const description = option.that('a string', (value) => typeof value === 'string')
  checkOptions(given, { reason: option.text(/./, 'a non-empty string'), description }, ['reason'])
}

/** Makes what the application gets of an opened delivery. */
export function createReceivedMessage(
  incoming: IncomingMessage,
  opened: { readonly body: Uint8Array; readonly seal: Seal | null },
  settlement: Settlement,
): ReceivedMessage {
  const facts = factsOf(incoming)
  const { body, seal, text, json } = createContent(facts.messageId, opened)
  const message: ReceivedMessage = {
    ...facts,
    ...{ body, seal, text, json },
    get lockedUntil() {
      return settlement.lockedUntil
    },
    complete: () => settlement.complete(),
    abandon: async (options) => settlement.abandon({ delayMs: checkDelay(options) }),
    deadLetter: async (reason) => {
      checkReason(reason)
      await settlement.deadLetter(reason)
    },
    renewLock: () => settlement.renewLock(),
    async [Symbol.asyncDispose]() {
      if (!settlement.isOpen) return
      try {
        await settlement.abandon({ delayMs: 0 })
      } catch (error) {
        // The lock is gone: the broker has the message back, which is what disposing is for.
        if (!isQueueError(error, 'MessageLockLost')) throw error
      }
    },
  }
  return hideBody(message, () => ({ ...facts, lockedUntil: settlement.lockedUntil, seal }))
}
