import { randomBytes } from 'node:crypto'
import type { QueueClientOptions } from '@queue-runtime/core'
import { EncryptionKey, type KeyProvider, messageCrypto, multiKeyProvider } from '@queue-runtime/crypto'
import { perQueue, type QueueName } from './github/routes.ts'
import { EVENT_ATTRIBUTE } from './router.ts'

export type Protection = NonNullable<QueueClientOptions['crypto']>

/** One key per queue: whoever reads one queue can neither read nor write another (requirements DR2, DR3). */
const KEY_IDS: Readonly<Record<QueueName, string>> = {
  'task-tactician': 'key-a',
  'merge-warden': 'key-b',
  'spec-sentinel': 'key-c',
}

/** The two ends of one queue. They share the bytes of a key, and no object. */
export interface QueueProtection {
  /** For the router: seals, the event's name included in what the tag covers. */
  readonly router: Protection
  /** For the bot: opens what was sealed for this queue, nothing else. It cannot send. */
  readonly bot: Protection
}

const providerOf = (id: string, bytes: Uint8Array): KeyProvider =>
  multiKeyProvider({ keys: [EncryptionKey.fromBytes(id, bytes)], current: id })

const generate = (id: string): QueueProtection => {
  const bytes = randomBytes(32)
  const [forRouter, forBot] = [providerOf(id, bytes), providerOf(id, bytes)]
  bytes.fill(0)
  return {
    router: messageCrypto({
      enabled: true,
      keyProvider: forRouter,
      plaintextPolicy: 'reject',
      authenticatedAttributes: [EVENT_ATTRIBUTE],
    }),
    bot: messageCrypto({ keyProvider: forBot, plaintextPolicy: 'reject' }),
  }
}

/** Returns a fresh random key for each queue, as its two ends use it. */
export const generateKeys = (): Readonly<Record<QueueName, QueueProtection>> =>
  perQueue((queue) => generate(KEY_IDS[queue]))
