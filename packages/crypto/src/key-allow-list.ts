import type { Clock } from '@queue-runtime/core'
import type { KeyProvider } from './key-provider.ts'
import { createRefreshedValue, type RefreshTimes } from './refreshed-value.ts'
import { createTokenBucket } from './token-bucket.ts'

/** Decides whether an id, which anybody who can write to the queue chooses, is worth a call to the key store. */
export interface KeyAllowList {
  /** Resolves with false where the id is not listed, or where unlisted ids were asked for too often. */
  admits(keyId: string): Promise<boolean>
  /** The list, where there is one. */
  readonly ids: (() => Promise<readonly string[]>) | undefined
}

interface AllowListParts extends RefreshTimes {
  readonly source: KeyProvider
  readonly keyIds: readonly string[] | undefined
  /** An id that is not on the list loads it anew at most once in this many milliseconds. */
  readonly listIntervalMs: number
  readonly lookupsPerSecond: number
  readonly clock: Clock
  readonly isOutage: (error: unknown) => boolean
  readonly onStale: (error: unknown) => void
}

export function createKeyAllowList(parts: AllowListParts): KeyAllowList {
  const { source, keyIds, listIntervalMs, lookupsPerSecond, clock } = parts
  if (keyIds !== undefined) {
    const configured = new Set(keyIds)
    return { admits: async (keyId) => configured.has(keyId), ids: async () => [...configured] }
  }
  const listIds = source.validKeyIds?.bind(source)
  if (listIds === undefined) {
    const takeToken = createTokenBucket(lookupsPerSecond, clock)
    return { admits: async () => takeToken(), ids: undefined }
  }

  const list = createRefreshedValue({ ...parts, load: async () => new Set(await listIds()) })
  return {
    async admits(keyId) {
      if ((await list.get()).has(keyId)) return true
      const elapsedMs = clock.now() - (list.loadedAt ?? Number.NEGATIVE_INFINITY)
      if (elapsedMs >= 0 && elapsedMs < listIntervalMs) return false
      // While the list cannot be had, nobody knows whether the id is on it: that is an outage, and not an unknown key.
      return (await list.refresh()).has(keyId)
    },
    ids: async () => [...(await list.get())],
  }
}
