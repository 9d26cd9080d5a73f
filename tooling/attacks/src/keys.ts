import { createHash } from 'node:crypto'
import { EncryptionKey, type KeyOptions, type MultiKeyProvider, multiKeyProvider } from '@queue-runtime/crypto'

/** The key that seals, and one that was replaced; ids of one length, so that one can be written over the other. */
export const KEY_ID = 'orders-2026-01'
export const OLD_KEY_ID = 'orders-2025-12'

/** Returns the 32 bytes of a key: always the same for an id, and nothing that stands anywhere by chance. */
export const keyBytes = (keyId: string): Uint8Array => createHash('sha256').update(keyId).digest()

export const keyOf = (keyId: string, options: KeyOptions = {}): EncryptionKey =>
  EncryptionKey.fromBytes(keyId, keyBytes(keyId), options)

/** Returns a provider of both keys. */
export const bothKeys = (): MultiKeyProvider =>
  multiKeyProvider({ keys: [keyOf(KEY_ID), keyOf(OLD_KEY_ID)], current: KEY_ID })
