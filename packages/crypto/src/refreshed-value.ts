import type { Clock } from '@queue-runtime/core'

/** How long a loaded value is good for, in milliseconds. */
export interface RefreshTimes {
  /** Younger than this it is served without asking. */
  readonly ttlMs: number
  /** This long before `ttlMs` is over it is loaded anew in the background, so that nobody waits. */
  readonly refreshAheadMs: number
  /** While loading fails it is still served up to this age. */
  readonly maxStaleMs: number
  /** After a failed load nobody asks again for so long: the old value is served, or the failure told. */
  readonly retryAfterMs: number
}

/** A value that is loaded once for all who ask at the same time, and kept fresh. */
export interface RefreshedValue<T> {
  get(): Promise<T>
  /** Loads now, unless loading is under way or has just failed. */
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

export function createRefreshedValue<T>(parts: RefreshedValueParts<T>): RefreshedValue<T> {
  const { clock, load, isOutage, onStale, ttlMs, refreshAheadMs, maxStaleMs, retryAfterMs } = parts
  let loaded: { readonly value: T; readonly at: number } | undefined
  let loading: Promise<T> | undefined
  let failed: { readonly error: unknown; readonly at: number } | undefined

  /** Where the clock was set back nothing is known of the time since. */
  const isWithin = (ms: number, moment: number): boolean => {
    const elapsedMs = clock.now() - moment
    return elapsedMs >= 0 && elapsedMs < ms
  }

  const run = async (): Promise<T> => {
    try {
      const value = await load(loaded?.value)
      loaded = { value, at: clock.now() }
      failed = undefined
      return value
    } catch (error) {
      if (isOutage(error)) failed = { error, at: clock.now() }
      else loaded = undefined
      throw error
    }
  }

  const refresh = (): Promise<T> => {
    if (loading !== undefined) return loading
    if (failed !== undefined && isWithin(retryAfterMs, failed.at)) return Promise.reject(failed.error)
    loading = run().finally(() => {
      loading = undefined
    })
    return loading
  }

  const orStale = (error: unknown): T => {
    if (loaded === undefined || !isOutage(error) || !isWithin(maxStaleMs, loaded.at)) throw error
    onStale(error)
    return loaded.value
  }

  return {
    get loadedAt() {
      return loaded?.at
    },
    refresh,
    async get() {
      if (loaded === undefined || !isWithin(ttlMs, loaded.at)) return refresh().catch(orStale)
      if (!isWithin(ttlMs - refreshAheadMs, loaded.at)) refresh().catch(() => {})
      return loaded.value
    },
  }
}
