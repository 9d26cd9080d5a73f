import type { Contender } from '../rounds.ts'

/** Seals a body and opens what it sealed. */
export interface CryptoContender extends Contender<Uint8Array> {
  /** Returns the opened body. */
  run(body: Uint8Array): Uint8Array | Promise<Uint8Array>
}

/** What all contenders seal with, so that they do the same work. */
export interface Setting {
  readonly keyId: string
  /** 32 bytes. */
  readonly keyBytes: Uint8Array
  readonly messageId: string
  readonly sessionId: string
  /** The associated data of these ids. */
  readonly context: Uint8Array
  /** Length of our envelope before the ciphertext. */
  readonly headerBytes: number
  /** What the tag of our envelope covers beside the body: header and context. */
  readonly authenticated: Uint8Array
}
