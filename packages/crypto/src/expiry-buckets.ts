/** Keys by the second in which they expire: finding the expired ones costs no look at the others. */
export interface ExpiryBuckets {
  /** Files `key` under a moment in milliseconds; `before` is the moment it is filed under now, where it is. */
  file(key: string, expiresAt: number, before: number | undefined): void
  /** Removes and returns the keys of every second that is over at `now`: a key goes at most one second late, never early. */
  takeExpired(now: number): string[]
}

const secondOf = (moment: number): number => Math.floor(moment / 1_000)

export function createExpiryBuckets(startMs: number): ExpiryBuckets {
  const buckets = new Map<number, Set<string>>()
  /** Every second before this one was taken. */
  let next = secondOf(startMs)

  // After the clock was set back, a key may belong to a second that was taken already: it goes with the next one.
  const bucketOf = (moment: number): number => Math.max(secondOf(moment), next)

  const take = (second: number): Iterable<string> => {
    const keys = buckets.get(second) ?? []
    buckets.delete(second)
    return keys
  }

  /** The seconds that may have ended: those that passed, or the filed ones where they are fewer, after a long pause. */
  const endedBefore = (end: number): number[] =>
    end - next > buckets.size
      ? [...buckets.keys()].filter((second) => second < end)
      : Array.from({ length: Math.max(0, end - next) }, (_, index) => next + index)

  return {
    file(key, expiresAt, before) {
      const second = bucketOf(expiresAt)
      const old = before === undefined ? undefined : bucketOf(before)
      if (second === old) return
      if (old !== undefined) buckets.get(old)?.delete(key)
      const keys = buckets.get(second)
      if (keys === undefined) buckets.set(second, new Set([key]))
      else keys.add(key)
    },
    takeExpired(now) {
      const end = secondOf(now)
      const keys = endedBefore(end).flatMap((second) => [...take(second)])
      next = Math.max(next, end)
      return keys
    },
  }
}
