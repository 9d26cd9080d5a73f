/** A map of at most `maxEntries`: setting one more drops the entry that was used longest ago. */
export interface LruMap<T> {
  get(key: string): T | undefined
  set(key: string, value: T): void
  delete(key: string): void
  clear(): void
}

export function createLruMap<T>(maxEntries: number, onDrop: (value: T) => void = () => {}): LruMap<T> {
  const entries = new Map<string, T>()
  const drop = (key: string): void => {
    const value = entries.get(key)
    if (entries.delete(key) && value !== undefined) onDrop(value)
  }
  return {
    get(key) {
      const value = entries.get(key)
      if (value === undefined) return undefined
      // A Map keeps the order of insertion, so that what was used last stands last.
      entries.delete(key)
      entries.set(key, value)
      return value
    },
    set(key, value) {
      if (entries.get(key) !== value) drop(key)
      entries.set(key, value)
      const [oldest] = entries.keys()
      if (entries.size > maxEntries && oldest !== undefined) drop(oldest)
    },
    delete: drop,
    clear() {
      for (const key of [...entries.keys()]) drop(key)
    },
  }
}
