/** Remembers ids for a while, so that what is sent twice is kept once. */
export interface Duplicates {
  /** The sequence number of the message that came with this id, while it is remembered. */
  find(messageId: string, now: number): number | undefined
  remember(messageId: string, sequenceNumber: number, now: number): void
}

export function createDuplicates(windowMs: number): Duplicates {
  // In the order in which they are forgotten.
  const known = new Map<string, { readonly sequenceNumber: number; readonly until: number }>()

  const forget = (now: number): void => {
    for (const [messageId, { until }] of known) {
      if (until > now) return
      known.delete(messageId)
    }
  }

  return {
    find(messageId, now) {
      forget(now)
      return known.get(messageId)?.sequenceNumber
    },
    remember(messageId, sequenceNumber, now) {
      if (windowMs > 0) known.set(messageId, { sequenceNumber, until: now + windowMs })
    },
  }
}
