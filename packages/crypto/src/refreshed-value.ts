import type { Clock } from '@queue-runtime/core'

/** How long a loaded value is good for, in milliseconds. */
export interface RefreshTimes {
  /** Younger than this it is served without asking. */
  readonly ttlMs: number
  /** This long before `ttlMs` is over it is loaded anew in the background, so that nobody waits. */
  readonly refreshAheadMs: number
  /** While loading fails it is still served up to this age. */
  readonly maxStaleMs: number
}

/** A value that is loaded once for all who ask at the same time, and kept fresh. */
export interface RefreshedValue<T> {
  get(): Promise<T>
  /** Loads now, unless loading is under way. */
  refresh(): Promise<T>
  /** When the last load succeeded, in milliseconds since 1970; undefined before the first. */
  readonly loadedAt: number | undefined
}

interface RefreshedValueParts<T> extends RefreshTimes {
  readonly clock: Clock
  readonly load: (previous: T | undefined) => Promise<T>
  /** True for errors that say nothing about the value: then the old one is served. */
  readonly isOutage: (error: unknown) => boolean
  readonly onStale: (error: unknown) => void
}

/** After a failed load the old value is served this long without asking again. */
const RETRY_AFTER_MS = 1_000

export function createRefreshedValue<T>(parts: RefreshedValueParts<T>): RefreshedValue<T> {
  const { clock, load, isOutage, onStale, ttlMs, refreshAheadMs, maxStaleMs } = parts
  let loaded: { readonly value: T; readonly at: number } | undefined
  let loading: Promise<T> | undefined
  let failedAt = Number.NEGATIVE_INFINITY

  const run = async (): Promise<T> => {
    try {
      const value = await load(loaded?.value)
      loaded = { value, at: clock.now() }
      return value
    } catch (error) {
      if (isOutage(error)) failedAt = clock.now()
      else loaded = undefined
      throw error
    } finally {
      loading = undefined
    }
  }

  const refresh = (): Promise<T> => {
    loading ??= run()
    return loading
  }

  const orStale = (error: unknown): T => {
    if (loaded === undefined || !isOutage(error) || clock.now() - loaded.at >= maxStaleMs) throw error
    onStale(error)
    return loaded.value
  }

  return {
    get loadedAt() {
      return loaded?.at
    },
    refresh,
    async get() {
      if (loaded === undefined) return refresh()
      const age = clock.now() - loaded.at
      const mayAsk = clock.now() - failedAt >= RETRY_AFTER_MS
      if (age < ttlMs - refreshAheadMs) return loaded.value
      if (age < ttlMs) {
        if (mayAsk) refresh().catch(() => {})
        return loaded.value
      }
      if (!mayAsk && age < maxStaleMs) return loaded.value
      return refresh().catch(orStale)
    },
  }
}
