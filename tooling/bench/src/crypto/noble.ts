import { randomBytes } from 'node:crypto'
import { gcm } from '@noble/ciphers/aes.js'
import type { CryptoContender } from './contender.ts'

/** AES-GCM in JavaScript, without native code. */
export const nobleGcm = (keyBytes: Uint8Array, associatedData: Uint8Array): CryptoContender => ({
  name: '@noble/ciphers, gcm',
  run(body) {
    const nonce = randomBytes(12)
    const sealed = gcm(keyBytes, nonce, associatedData).encrypt(body)
    return gcm(keyBytes, nonce, associatedData).decrypt(sealed)
  },
})
