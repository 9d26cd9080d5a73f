import { createCipheriv, createDecipheriv, createSecretKey, randomBytes } from 'node:crypto'
import type { CryptoContender } from './contender.ts'

const ALGORITHM = 'aes-256-gcm'
const TAG = { authTagLength: 16 } as const

/** The calls of node:crypto that no one can do without, and nothing else: no envelope, no parsing, no key lookup. */
export function bareCalls(keyBytes: Uint8Array, associatedData: Uint8Array): CryptoContender {
  const key = createSecretKey(keyBytes)
  return {
    name: 'node:crypto, bare calls',
    run(body) {
      const nonce = randomBytes(12)
      const cipher = createCipheriv(ALGORITHM, key, nonce, TAG)
      cipher.setAAD(associatedData)
      const ciphertext = cipher.update(body)
      cipher.final()
      const tag = cipher.getAuthTag()

      const decipher = createDecipheriv(ALGORITHM, key, nonce, TAG)
      decipher.setAAD(associatedData)
      decipher.setAuthTag(tag)
      const opened = decipher.update(ciphertext)
      decipher.final()
      return opened
    },
  }
}
