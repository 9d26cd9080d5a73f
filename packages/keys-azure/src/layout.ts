import type { EncryptionKey } from '@queue-runtime/crypto'

/** The validity of a new key. */
interface KeyDates {
  readonly notBefore: Date | undefined
  readonly expiresAt: Date | undefined
}

/** How keys lie in the vault: one secret for each, or one version of a secret for each. */
export interface Layout {
  getKey(keyId: string, signal?: AbortSignal): Promise<EncryptionKey | null>
  /** Null where no key seals. */
  currentKeyId(signal?: AbortSignal): Promise<string | null>
  validKeyIds(signal?: AbortSignal): Promise<readonly string[]>
  /** Stores a key, unless it is there or somebody else stores it at the same time. Resolves with the id of the one that holds. */
  create(keyId: string | undefined, dates: KeyDates, signal?: AbortSignal): Promise<string>
  /** Makes a key that can be read the one that seals. */
  promote(keyId: string, signal?: AbortSignal): Promise<void>
  /** Has a key seal nothing from this moment on. An earlier one stays; resolves with the one that holds. */
  expire(keyId: string, at: Date, signal?: AbortSignal): Promise<Date>
}
