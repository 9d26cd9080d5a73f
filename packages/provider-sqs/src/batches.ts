import { MAX_BATCH_ENTRIES } from './limits.ts'

/** Splits items, in their order, so that no batch has more than ten or more than `maxBytes` together. */
export function intoBatches<T extends { readonly size: number }>(items: readonly T[], maxBytes: number): T[][] {
  const batches: T[][] = []
  let batch: T[] = []
  let bytes = 0
  for (const item of items) {
    if (batch.length === MAX_BATCH_ENTRIES || bytes + item.size > maxBytes) {
      batches.push(batch)
      batch = []
      bytes = 0
    }
    batch.push(item)
    bytes += item.size
  }
  if (batch.length > 0) batches.push(batch)
  return batches.filter(({ length }) => length > 0)
}

/** What SQS answers to a batch, whatever the action. */
export interface BatchAnswer<Failed> {
  readonly Successful?: readonly { readonly Id?: string | undefined }[] | undefined
  readonly Failed?: readonly (Failed & { readonly Id?: string | undefined })[] | undefined
}

/** What became of the entry whose Id is its index in the batch: done, failed, or not mentioned at all. */
export function outcomeOf<Failed>({
  Successful = [],
  Failed = [],
}: BatchAnswer<Failed>): (index: number) => 'done' | 'unknown' | Failed {
  const done = new Set(Successful.map(({ Id }) => Id))
  const failed = new Map(Failed.map((entry) => [entry.Id, entry]))
  return (index) => failed.get(String(index)) ?? (done.has(String(index)) ? 'done' : 'unknown')
}
