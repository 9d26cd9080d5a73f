import { DEFAULT_CLOCK_SKEW_TOLERANCE_MS } from './crypto-provider.ts'
import { DEFAULT_MAX_MESSAGE_AGE_MS, isTooOld } from './freshness.ts'
import { RETAIN_AFTER_LEASE_MS } from './nonce-table.ts'
import type { MessageCryptoOptions } from './options.ts'

/** 10 minutes, the default of the specification. */
export const DEFAULT_NONCE_CACHE_TTL_MS = 600_000

/** A lease ends this much before the lock, so that it is over when the broker delivers again (protocol.md 5). */
const LEASE_MARGIN_MS = 250

type TimeOptions = Pick<
  MessageCryptoOptions,
  'validateFreshness' | 'maxMessageAgeMs' | 'clockSkewToleranceMs' | 'nonceCacheTtlMs'
>

/** How long leases and records live (protocol.md 5, "Times"). Durations in milliseconds; `now` is the consumer's clock. */
export interface ReplayTimes {
  /** For how long a delivery may be claimed; 0 or less: its lock is as good as gone. */
  leaseMs(lockedUntil: Date, now: number): number
  /** How long the record of a claim with this lease lives, and after it was given back. */
  retainClaimMs(leaseMs: number): number
  /** How long a handled message is remembered: until no consumer takes a copy of it for fresh. */
  retainCompletedMs(encryptedAt: Date, now: number): number
  /** True where a message is too old to be accepted for the first time. */
  isStale(encryptedAt: Date, now: number): boolean
}

export function replayTimes(options: TimeOptions): ReplayTimes {
  const {
    validateFreshness = true,
    maxMessageAgeMs = DEFAULT_MAX_MESSAGE_AGE_MS,
    clockSkewToleranceMs = DEFAULT_CLOCK_SKEW_TOLERANCE_MS,
    nonceCacheTtlMs = DEFAULT_NONCE_CACHE_TTL_MS,
  } = options
  return {
    leaseMs: (lockedUntil, now) => lockedUntil.getTime() - now - LEASE_MARGIN_MS,
    retainClaimMs: (leaseMs) => Math.max(nonceCacheTtlMs, leaseMs + RETAIN_AFTER_LEASE_MS),
    // Twice the skew: the clock that confirms may be ahead by one, the clock that judges a copy behind by one.
    retainCompletedMs: (encryptedAt, now) =>
      Math.max(nonceCacheTtlMs, encryptedAt.getTime() + maxMessageAgeMs + 2 * clockSkewToleranceMs - now),
    isStale: (encryptedAt, now) => validateFreshness && isTooOld(encryptedAt, now, maxMessageAgeMs),
  }
}
