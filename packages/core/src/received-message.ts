import { inspect } from 'node:util'
import { invalid } from './check.ts'
import { createContent } from './content.ts'
import { isQueueError } from './errors.ts'
import { factsOf } from './facts.ts'
import type { ReceivedMessage, Seal } from './message.ts'
import type { Settlement } from './settlement.ts'
import type { IncomingMessage } from './transport.ts'

/** Adds what print and JSON show of a message: everything but its body. */
export function withoutBodyInPrint<T extends object>(message: T, shown: () => Record<string, unknown>): T {
  const hidden = { enumerable: false, value: shown }
  return Object.defineProperties(message, { toJSON: hidden, [inspect.custom]: hidden })
}

const checkDelay = (delayMs: number | undefined): number => {
  if (delayMs === undefined) return 0
  if (!Number.isSafeInteger(delayMs) || delayMs < 0) {
    throw invalid('delayMs', 'out-of-range', 'must be a whole number, at least 0.')
  }
  return delayMs
}

/** Makes what the application gets of an opened delivery. */
export function createReceivedMessage(
  incoming: IncomingMessage,
  opened: { readonly body: Uint8Array; readonly seal: Seal | null },
  settlement: Settlement,
): ReceivedMessage {
  const facts = factsOf(incoming)
  const content = createContent(facts.messageId, opened)
  const message: ReceivedMessage = {
    ...facts,
    ...content,
    get lockedUntil() {
      return settlement.lockedUntil
    },
    complete: () => settlement.complete(),
    abandon: async (options) => settlement.abandon(checkDelay(options?.delayMs)),
    deadLetter: async (reason) => {
      if (typeof reason?.reason !== 'string' || reason.reason === '')
        throw invalid('reason', 'required', 'must be a non-empty string.')
      await settlement.deadLetter(reason)
    },
    renewLock: () => settlement.renewLock(),
    async [Symbol.asyncDispose]() {
      if (!settlement.isOpen) return
      try {
        await settlement.abandon(0)
      } catch (error) {
        // The lock is gone: the broker has the message back, which is what disposing is for.
        if (!isQueueError(error, 'MessageLockLost')) throw error
      }
    },
  }
  return withoutBodyInPrint(message, () => ({ ...facts, lockedUntil: settlement.lockedUntil, seal: opened.seal }))
}
