import { errorClass, isQueueError, locate, QueueError } from '../base/errors.ts'
import { hideBody } from '../base/hide-body.ts'
import type { ClientParts } from '../client-parts.ts'
import type { Delivery } from '../contracts/transport.ts'
import { lastingAttributes } from '../message/attributes.ts'
import { createContent } from '../message/content.ts'
import { factsOf, logFields } from '../message/facts.ts'
import type { Content, Seal } from '../message/message.ts'
import type { Sender } from '../sending/sender.ts'
import type { Settlement } from '../settling/settlement.ts'
import type { DeadLetter } from './dead-letter.ts'

interface LetterParts {
  readonly client: ClientParts
  readonly sender: Sender
  /** Aborts when the pass is to end. */
  readonly signal: AbortSignal
  /** Whether the pass ended, and gave back what was not settled. */
  readonly isOver: () => boolean
  /** Told of a letter once the broker has its message again. */
  readonly onSent: (messageId: string) => void
}

/** Makes what the application gets of a dead letter. */
export function createDeadLetter(delivery: Delivery, settlement: Settlement, parts: LetterParts): DeadLetter {
  const { client, sender, signal, isOver, onSent } = parts
  const { queue, clock, logger, metrics, protection, retry } = client
  const { message } = delivery
  const { messageId } = message
  const facts = {
    ...factsOf(message),
    reason: message.deadLettered?.reason,
    description: message.deadLettered?.description,
  }
  const place = { queue, operation: 'redrive', messageId }
  let isSent = false
  let redriving: Promise<void> | undefined

  const assertInPass = (): void => {
    if (!isOver() || settlement.isDone) return
    throw new QueueError('MessageLockLost', 'The pass over the letters ended and gave this one back.', place)
  }

  const unprotect = async (): Promise<{ body: Uint8Array; seal: Seal | null }> => {
    const [result] = await protection.unprotect([message], { purpose: 'inspect', signal })
    if (result === undefined) {
      throw new QueueError('KeyProviderError', 'The protection gave no answer for the message.', { queue, messageId })
    }
    if ('error' in result) throw result.error
    return result
  }

  const send = async (): Promise<void> => {
    // Whoever has the letter by now may have sent it.
    if (settlement.lockedUntil.getTime() <= clock.now()) {
      throw new QueueError('MessageLockLost', 'The lock of the letter ended.', place)
    }
    const { sessionId, correlationId, contentType } = facts
    const { body, seal } = await unprotect()
    const fields = {
      messageId,
      sessionId,
      correlationId,
      contentType,
      attributes: lastingAttributes(message.attributes),
    }
    await sender.resend({ ...fields, body }, seal, signal)
    isSent = true
    onSent(messageId)
    logger.info(logFields(queue, 'redrive', message), 'Dead letter sent again')
  }

  /** Sent once, however often this is called: what could not be removed is removed by the next call. */
  const redrive = async (): Promise<void> => {
    assertInPass()
    if (settlement.isOpen && !isSent) await send()
    const limits = { signal, deadline: settlement.lockedUntil.getTime() }
    try {
      await retry.run('redrive', limits, () => settlement.complete())
    } catch (error) {
      const fields = { ...logFields(queue, 'redrive', message), error_type: errorClass(error) }
      if (isSent && !settlement.isDone) logger.warn(fields, 'A dead letter was sent again and could not be removed')
      throw error
    }
  }

  const watched = async (work: Promise<void>): Promise<void> => {
    try {
      await work
    } catch (error) {
      if (signal.aborted && error === signal.reason) throw error
      metrics.failed('redrive', error)
      throw isQueueError(error) ? locate(error, place) : error
    }
  }

  const letter: DeadLetter = {
    ...facts,
    open: async (): Promise<Content> => createContent(messageId, await unprotect()),
    redrive() {
      redriving ??= watched(redrive()).finally(() => {
        redriving = undefined
      })
      return redriving
    },
    async complete() {
      assertInPass()
      await settlement.complete()
    },
    async abandon() {
      assertInPass()
      await settlement.abandon({ delayMs: 0 })
    },
  }
  return hideBody(letter, () => facts)
}
