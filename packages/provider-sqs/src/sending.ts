import { SendMessageBatchCommand } from '@aws-sdk/client-sqs'
import type { Clock, QueueError } from '@queue-runtime/core'
import { invalid, type QueueTransport, type WireMessage } from '@queue-runtime/core/provider'
import { intoBatches, outcomeOf } from './batches.ts'
import { tooLarge, unsupported } from './errors.ts'
import { MAX_DELAY_SECONDS } from './limits.ts'
import { type Entry, toEntry } from './outgoing.ts'
import { CALL_MS, type QueueDoor } from './queue-url.ts'
import { fromEntry, noOutcome } from './sdk-errors.ts'

interface Item {
  readonly message: WireMessage
  readonly entry: Entry
  readonly size: number
  /** What became of it; undefined: nothing yet. */
  error: QueueError | null | undefined
}

interface SendingParts {
  readonly queue: string
  readonly door: QueueDoor
  readonly maxMessageBytes: number
  readonly clock: Clock
}

/** Calls of one send that are under way at once, on a standard queue. */
const MAX_PARALLEL = 16

const operation = 'send'

/** Works through items, so many at once. */
const inParallel = async <T>(items: readonly T[], width: number, work: (item: T) => Promise<void>): Promise<void> => {
  const next = items.values()
  const worker = async (): Promise<void> => {
    for (const item of next) await work(item)
  }
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker))
}

/** Makes the `send` of a transport: checks and encodes all, splits, sends, and tells what became of each. */
export function createSending({ queue, door, maxMessageBytes, clock }: SendingParts): QueueTransport['send'] {
  const { isFifo } = door.address

  const delayOf = ({ deliverAt, messageId }: WireMessage): number | undefined => {
    if (deliverAt === undefined) return undefined
    const seconds = Math.max(0, Math.ceil((deliverAt.getTime() - clock.now()) / 1_000))
    if (seconds <= MAX_DELAY_SECONDS) return seconds
    throw unsupported('deliverAt', `SQS delays a message by ${MAX_DELAY_SECONDS} s at most.`, {
      queue,
      operation,
      messageId,
    })
  }

  const itemOf = (message: WireMessage): Item => {
    // Core takes a space in a session id; SQS takes none in a MessageGroupId.
    if (message.sessionId?.includes(' ')) throw invalid('sessionId', 'invalid-format', 'must not have a space on SQS.')
    const { entry, size } = toEntry(message, delayOf(message))
    if (size > maxMessageBytes)
      throw tooLarge({ queue, operation, messageId: message.messageId }, size, maxMessageBytes)
    return { message, entry, size, error: undefined }
  }

  const placeOf = ({ message: { messageId }, size }: Item) => ({ queue, operation, messageId, size })

  const sendBatch = async (batch: readonly Item[], signal: AbortSignal): Promise<void> => {
    const Entries = batch.map(({ entry }, index) => ({ Id: String(index), ...entry }))
    const answer = await door.call({ operation, timeoutMs: CALL_MS, signal }, (QueueUrl, client, options) =>
      client.send(new SendMessageBatchCommand({ QueueUrl, Entries }), options),
    )
    const outcome = outcomeOf(answer)
    for (const [index, item] of batch.entries()) {
      const found = outcome(index)
      if (found === 'done') item.error = null
      else item.error = found === 'unknown' ? noOutcome(placeOf(item)) : fromEntry(found, placeOf(item))
    }
  }

  /** A batch whose call fails stands for itself: others may have been sent. */
  const trySend = async (batch: readonly Item[], signal: AbortSignal): Promise<void> => {
    try {
      await sendBatch(batch, signal)
    } catch (error) {
      if (signal.aborted) throw error
      for (const item of batch) item.error = error as QueueError
    }
  }

  /** One after the other; behind a message that was not sent nothing of its group is, or the order would be lost. */
  const sendInOrder = async (batches: readonly Item[][], signal: AbortSignal): Promise<void> => {
    const failed = new Map<string | undefined, QueueError>()
    for (const batch of batches) {
      const open = batch.filter((item) => {
        item.error = failed.get(item.message.sessionId)
        return item.error === undefined
      })
      if (open.length > 0) await trySend(open, signal)
      for (const { message, error } of open) if (error) failed.set(message.sessionId, error)
    }
  }

  return async (messages, { signal }) => {
    signal.throwIfAborted()
    const items = messages.map(itemOf)
    const batches = intoBatches(items, maxMessageBytes)
    if (isFifo) await sendInOrder(batches, signal)
    else await inParallel(batches, MAX_PARALLEL, (batch) => trySend(batch, signal))
    const errors = items.map(({ error = null }) => error)
    const [first] = errors
    // What concerns the queue, and not some of the messages, is thrown.
    if (first && errors.every((error) => error?.code === first.code) && first.messageId === undefined) throw first
    return errors.map((error) => ({ error }))
  }
}
