import { QueueError } from '@queue-runtime/core'

/** 2^32 invocations of GCM with random nonces per key (NIST SP 800-38D, section 8.3). */
export const DEFAULT_MAX_SEALS_PER_KEY: number = 2 ** 32

/** The first warning; the next ones come at each doubling (protocol.md 3). */
const FIRST_WARNING = 2 ** 28

/** What each key sealed on this `messageCrypto`; other processes and restarts are not seen. */
export interface SealLedger {
  /**
   * Counts one seal.
   * @throws KeyUsageLimitExceeded: the key has sealed as much as it may
   */
  record(keyId: string, queue: string, warn: (fields: { key_id: string }, text: string) => void): void
}

interface Account {
  seals: number
  nextWarning: number
  readonly queues: Set<string>
}

/** `hasAudience`: an audience keeps the queues of one key apart, so that sharing it needs no warning. */
export function createSealLedger(parts: {
  readonly maxSealsPerKey: number
  readonly hasAudience: boolean
  readonly firstWarning?: number
}): SealLedger {
  const { maxSealsPerKey, hasAudience, firstWarning = FIRST_WARNING } = parts
  const accounts = new Map<string, Account>()

  const accountOf = (keyId: string): Account => {
    const known = accounts.get(keyId)
    if (known !== undefined) return known
    const opened: Account = { seals: 0, nextWarning: firstWarning, queues: new Set() }
    accounts.set(keyId, opened)
    return opened
  }

  return {
    record(keyId, queue, warn) {
      const account = accountOf(keyId)
      if (account.seals >= maxSealsPerKey) {
        throw new QueueError(
          'KeyUsageLimitExceeded',
          `The key ${keyId} has sealed ${maxSealsPerKey} messages; rotate it.`,
        )
      }
      account.seals += 1
      if (account.seals >= account.nextWarning) {
        warn(
          { key_id: keyId },
          `The key has sealed ${account.seals} messages here; rotate it before the fleet reaches 2^32`,
        )
        account.nextWarning *= 2
      }
      if (account.queues.has(queue)) return
      account.queues.add(queue)
      if (account.queues.size === 2 && !hasAudience) {
        warn({ key_id: keyId }, 'One key seals for two queues without an audience: a message of one opens on the other')
      }
    },
  }
}
