/** The ids that were stored of late. */
export interface RecentIds {
  has(id: string): boolean
  /** Remembers an id that it does not have. */
  add(id: string, now: number): void
  /** Drops the ids whose window is over: to be called before it is asked. */
  forget(now: number): void
}

/** `windowMs`: how long an id is remembered, in milliseconds; 0 remembers none. */
export function createRecentIds(windowMs: number): RecentIds {
  /** When each is forgotten, the first to go first. */
  const ends = new Map<string, number>()

  return {
    has: (id) => ends.has(id),
    add(id, now) {
      if (windowMs > 0) ends.set(id, now + windowMs)
    },
    forget(now) {
      for (const [id, end] of ends) {
        if (end > now) return
        ends.delete(id)
      }
    },
  }
}
