import { randomBytes } from 'node:crypto'
import { gcm } from '@noble/ciphers/aes.js'
import type { CryptoContender, Setting } from './contender.ts'

/** AES-GCM in JavaScript, without native code. */
export const nobleGcm = ({ keyBytes, authenticated }: Setting): CryptoContender => ({
  name: '@noble/ciphers, gcm',
  run(body) {
    const nonce = randomBytes(12)
    const sealed = gcm(keyBytes, nonce, authenticated).encrypt(body)
    return gcm(keyBytes, nonce, authenticated).decrypt(sealed)
  },
})
