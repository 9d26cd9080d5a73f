import type { Clock } from '@queue-runtime/core'

/** Lets `perSecond` through per second, and as many at once after a quiet second. */
export function createTokenBucket(perSecond: number, clock: Clock): () => boolean {
  let tokens = perSecond
  let filledAt = clock.now()
  return () => {
    const now = clock.now()
    // A clock that was set back has let no time pass.
    const elapsedMs = Math.max(0, now - filledAt)
    tokens = Math.min(perSecond, tokens + (elapsedMs * perSecond) / 1_000)
    filledAt = now
    if (tokens < 1) return false
    tokens -= 1
    return true
  }
}
