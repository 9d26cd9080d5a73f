import { webcrypto } from 'node:crypto'
import { CompactEncrypt, compactDecrypt } from 'jose'
import type { CryptoContender, Setting } from './contender.ts'

/** Compact JWE with the key itself (`dir`, RFC 7518 4.5) and A256GCM. A CryptoKey, since importing bytes would slow it down. */
export async function joseCompact({ keyId, keyBytes }: Setting): Promise<CryptoContender> {
  const key = await webcrypto.subtle.importKey('raw', keyBytes, 'AES-GCM', false, ['encrypt', 'decrypt'])
  const header = { alg: 'dir', enc: 'A256GCM', kid: keyId }
  return {
    name: 'jose, JWE dir A256GCM',
    async run(body) {
      const jwe = await new CompactEncrypt(body).setProtectedHeader(header).encrypt(key)
      return (await compactDecrypt(jwe, key)).plaintext
    },
  }
}
