import type { ServiceBusMessage, ServiceBusMessageBatch, ServiceBusSender } from '@azure/service-bus'
import { MAX_BATCH_BYTES, MAX_BATCH_MESSAGES } from './limits.ts'
import type { Outgoing } from './outgoing.ts'

/** What goes to Service Bus in one transfer: a batch, or one message that is too large for any. */
export interface Lot<T> {
  readonly items: T[]
  readonly content: ServiceBusMessageBatch | ServiceBusMessage
}

/** Says that a message does not fit, however it is sent. */
type Refuse<T> = (item: T, size: number, maxSize: number) => Error

/**
 * Messages of two sessions, or of two times, never share a batch: the SDK writes what the first one says on the batch, by which
 * a partitioned queue chooses the partition.
 */
const kindOf = ({ sessionId, scheduledEnqueueTimeUtc }: Outgoing): string =>
  JSON.stringify([sessionId, scheduledEnqueueTimeUtc?.getTime()])

/** Up to so many bytes a length is written with one byte, then with four. */
const SHORT_BYTES = 255
const LONGER_LENGTH_BYTES = 3
/** What the SDK counts for a message in a batch, beside the message. */
const SHORT_OVERHEAD_BYTES = 5
const LONG_OVERHEAD_BYTES = 8

/**
 * Returns what a message takes by itself, in bytes. The SDK tells the size only of what is in a batch: it is asked for that of
 * the message without its body, of which the second one adds its own size.
 */
function sizeOf(outgoing: Outgoing, batch: ServiceBusMessageBatch): number {
  const { length } = outgoing.body
  const empty = { ...outgoing, body: Buffer.alloc(0) }
  const sizes = [1, 2].map(() => (batch.tryAddMessage(empty) ? batch.sizeInBytes : undefined))
  const [once, twice] = sizes
  // Without any body it is more than the link takes.
  if (once === undefined || twice === undefined) return batch.maxSizeInBytes + 1 + length
  const added = twice - once
  const overhead = added <= SHORT_BYTES + SHORT_OVERHEAD_BYTES ? SHORT_OVERHEAD_BYTES : LONG_OVERHEAD_BYTES
  return added - overhead + length + (length > SHORT_BYTES ? LONGER_LENGTH_BYTES : 0)
}

/** Splits messages by what the link takes, in their order. @throws what `refuse` returns, for the first that fits nowhere */
export async function pack<T extends { readonly outgoing: Outgoing }>(
  sender: ServiceBusSender,
  items: readonly T[],
  refuse: Refuse<T>,
  options: { readonly abortSignal: AbortSignal },
): Promise<Lot<T>[]> {
  const { maxSizeInBytes: maxSize } = await sender.createMessageBatch(options)
  const limits = { ...options, maxSizeInBytes: Math.min(maxSize, MAX_BATCH_BYTES) }
  const lots: Lot<T>[] = []
  const filling = new Map<string, { readonly batch: ServiceBusMessageBatch; readonly items: T[] }>()
  for (const item of items) {
    const kind = kindOf(item.outgoing)
    const open = filling.get(kind)
    if (open !== undefined && open.items.length < MAX_BATCH_MESSAGES && open.batch.tryAddMessage(item.outgoing)) {
      open.items.push(item)
      continue
    }
    const batch = await sender.createMessageBatch(limits)
    if (batch.tryAddMessage(item.outgoing)) {
      const next = { batch, items: [item] }
      filling.set(kind, next)
      lots.push({ items: next.items, content: batch })
      continue
    }
    const size = sizeOf(item.outgoing, await sender.createMessageBatch(options))
    if (size > maxSize) throw refuse(item, size, maxSize)
    // Whatever follows of its kind begins anew, or it would overtake.
    filling.delete(kind)
    lots.push({ items: [item], content: item.outgoing })
  }
  return lots
}
