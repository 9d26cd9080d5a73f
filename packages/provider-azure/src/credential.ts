import type { TokenCredential } from '@azure/service-bus'

/** The SDK asks for a token so long before the old one ends, in milliseconds. */
const RENEWED_BEFORE_MS = 120_000

/** The soonest and the latest that the SDK asks again, in milliseconds. */
const SOONEST_MS = 30_000
const LATEST_MS = 86_400_000

/**
 * Returns a credential whose tokens never seem to end too soon or too late. The SDK sets a timer by that: one that Node cannot
 * set, or that is over, is over at once, and the SDK would ask for tokens as fast as it can.
 */
export const withinReason = (credential: TokenCredential): TokenCredential => ({
  async getToken(...request) {
    const token = await credential.getToken(...request)
    if (token === null) return null
    const now = Date.now() + RENEWED_BEFORE_MS
    const expiresOnTimestamp = Math.min(Math.max(token.expiresOnTimestamp, now + SOONEST_MS), now + LATEST_MS)
    return { ...token, expiresOnTimestamp }
  },
})
