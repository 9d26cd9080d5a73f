import { ChangeMessageVisibilityBatchCommand, DeleteMessageBatchCommand } from '@aws-sdk/client-sqs'
import { type BatchAnswer, outcomeOf } from './batches.ts'
import { createCoalescer } from './coalescing.ts'
import type { Act } from './connection.ts'
import { lockLost } from './errors.ts'
import { CALL_MS, type QueueDoor } from './queue-url.ts'
import { type FailedEntry, fromEntry, noOutcome } from './sdk-errors.ts'

/** A delivery that is to be settled. */
export interface Holding {
  readonly receiptHandle: string
  readonly messageId: string
  /** What asks for it: complete, abandon, renewLock. */
  readonly operation: string
  /** False once the lock has ended: a broker that honours late calls must not be asked (requirements C10). */
  readonly isHeld: () => boolean
}

/** Deletes messages and changes how long they are held, ten in one call. */
export interface Settling {
  delete(holding: Holding): Promise<void>
  /** Holds the message for `seconds` from now on; 0 gives it back. */
  hold(holding: Holding, seconds: number): Promise<void>
}

type BatchCall<T> = (
  url: string,
  entries: readonly T[],
  ...rest: Parameters<Act<unknown>>
) => Promise<BatchAnswer<FailedEntry>>

/** `queue`: what errors call it. */
export function createSettling(queue: string, door: QueueDoor): Settling {
  /** Asks for those that are still held, and answers for all. */
  const settleAll = async <T extends Holding>(entries: readonly T[], act: BatchCall<T>): Promise<(Error | null)[]> => {
    const held = entries.filter(({ isHeld }) => isHeld())
    const operation = entries[0]?.operation ?? ''
    const answer =
      held.length === 0
        ? {}
        : await door.call({ operation, timeoutMs: CALL_MS }, (url, client, options) => act(url, held, client, options))
    const outcome = outcomeOf(answer)
    return entries.map((entry) => {
      const place = { queue, operation: entry.operation, messageId: entry.messageId }
      const index = held.indexOf(entry)
      if (index < 0) return lockLost(place)
      const found = outcome(index)
      if (found === 'done') return null
      return found === 'unknown' ? noOutcome(place) : fromEntry(found, place)
    })
  }

  const deleting = createCoalescer<Holding>((entries) =>
    settleAll(entries, (QueueUrl, held, client, options) => {
      const Entries = held.map(({ receiptHandle }, index) => ({ Id: String(index), ReceiptHandle: receiptHandle }))
      return client.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }), options)
    }),
  )

  const holding = createCoalescer<Holding & { readonly seconds: number }>((entries) =>
    settleAll(entries, (QueueUrl, held, client, options) => {
      const Entries = held.map(({ receiptHandle, seconds }, index) => ({
        Id: String(index),
        ReceiptHandle: receiptHandle,
        VisibilityTimeout: seconds,
      }))
      return client.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries }), options)
    }),
  )

  return {
    delete: (entry) => deleting.add(entry),
    hold: (entry, seconds) => holding.add({ ...entry, seconds }),
  }
}
