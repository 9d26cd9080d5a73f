import { type KeyProvider, messageCrypto, type NonceStore } from '@queue-runtime/crypto'
import type { QueueMode } from './dashboard/events.ts'
import type { Protection } from './keys.ts'
import { EVENT_ATTRIBUTE } from './router.ts'

/** How a queue is run: whether its sender seals, and what its receiver does with plaintext (DR4). */
export interface Stance {
  readonly mode: QueueMode
  readonly seals: boolean
}

/** How every queue begins, as in production. */
export const STRICT: Stance = { mode: 'reject', seals: true }

const POLICIES = { plaintext: 'allow', 'allow-with-alert': 'allow-with-alert', reject: 'reject' } as const

/** How willing to take plaintext a receiver is. */
export const LENIENCY: Readonly<Record<QueueMode, number>> = { reject: 0, 'allow-with-alert': 1, plaintext: 2 }

/** Returns what the router seals with, or does not. */
export const senderProtection = (keyProvider: KeyProvider, { mode, seals }: Stance): Protection =>
  messageCrypto({
    enabled: seals,
    keyProvider,
    plaintextPolicy: POLICIES[mode],
    authenticatedAttributes: [EVENT_ATTRIBUTE],
  })

/** Returns what a bot opens with. It has the keys whatever the sender does: a roll-out begins with the receivers. */
export const receiverProtection = (
  keyProvider: KeyProvider,
  { mode }: Pick<Stance, 'mode'>,
  nonceStore: NonceStore | undefined,
): Protection => messageCrypto({ keyProvider, plaintextPolicy: POLICIES[mode], ...(nonceStore && { nonceStore }) })

/** The keys of two queues in one hand, as nobody should have them. */
export const sharedKeys = (own: KeyProvider, other: KeyProvider): KeyProvider => ({
  getKey: async (keyId, options) => (await own.getKey(keyId, options)) ?? other.getKey(keyId, options),
  currentKeyId: (options) => own.currentKeyId(options),
})
