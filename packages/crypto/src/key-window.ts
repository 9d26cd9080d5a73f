import { QueueError } from '@queue-runtime/core'
import type { EncryptionKey } from './encryption-key.ts'

/** The moment at which a key is used, in milliseconds since 1970. Every check is asked so that no number at all refuses. */
interface Use {
  readonly now: number
  readonly encryptedAt: Date
  readonly clockSkewToleranceMs: number
}

const expired = ({ id }: EncryptionKey): QueueError<'KeyExpired'> =>
  new QueueError('KeyExpired', `The key ${id} has expired.`)

const assertBegun = (key: EncryptionKey, { now, clockSkewToleranceMs }: Use): void => {
  if (key.notBefore !== undefined && !(now >= key.notBefore.getTime() - clockSkewToleranceMs)) {
    throw new QueueError('KeyNotYetValid', `The key ${key.id} is not valid yet.`)
  }
}

const momentOf = (date: Date | undefined): number => date?.getTime() ?? Number.POSITIVE_INFINITY

/** A key seals nothing from its expiry on, nor what is due after it, nor what nobody could open (protocol.md 6, 10). */
export function assertMaySeal(key: EncryptionKey, use: Use): void {
  assertBegun(key, use)
  const end = Math.min(momentOf(key.expiresAt), momentOf(key.openUntil))
  if (!(use.now < end && use.encryptedAt.getTime() < end)) throw expired(key)
}

/** An expired key opens what was sealed before its expiry, until `openUntil`: a stolen retired key seals nothing that opens. */
export function assertMayOpen(key: EncryptionKey, use: Use): void {
  assertBegun(key, use)
  const end = momentOf(key.expiresAt)
  if (!(use.encryptedAt.getTime() <= end + use.clockSkewToleranceMs)) throw expired(key)
  if (!(use.now < momentOf(key.openUntil))) throw expired(key)
}
