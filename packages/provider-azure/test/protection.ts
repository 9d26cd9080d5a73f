import type { MessageProtection } from '@queue-runtime/core'
import { EncryptionKey, type MessageCryptoOptions, messageCrypto, multiKeyProvider } from '@queue-runtime/crypto'

const key = EncryptionKey.fromBytes(
  'azure-1',
  Uint8Array.from({ length: 32 }, (_, index) => 7 + 6 * index),
)
const keyProvider = multiKeyProvider({ keys: [key] })

/** Seals, and refuses what is not sealed. */
export const sealing = (options: Partial<MessageCryptoOptions> = {}): MessageProtection =>
  messageCrypto({ enabled: true, keyProvider, plaintextPolicy: 'reject', maxMessageAgeMs: 86_400_000, ...options })
