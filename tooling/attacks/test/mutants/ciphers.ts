import { createCipheriv, createDecipheriv } from 'node:crypto'
import { QueueError } from '@queue-runtime/core'
import { type CryptoProvider, EncryptedMessage } from '@queue-runtime/crypto'
import { headerLengthOf } from '../../src/envelope-bytes.ts'
import { KEY_ID, keyBytes, OLD_KEY_ID } from '../../src/keys.ts'
import { cipher } from './change.ts'

const ALGORITHM = 'aes-256-gcm'
const TAG = { authTagLength: 16 } as const
const NOTHING = new Uint8Array(0)

const isKnown = (keyId: string): boolean => keyId === KEY_ID || keyId === OLD_KEY_ID

/** Decrypts and leaves `final`, which verifies the tag, out. */
const withoutFinal = (sound: CryptoProvider): CryptoProvider => ({
  ...sound,
  async decrypt(message, associatedData) {
    if (!isKnown(message.keyId)) return sound.decrypt(message, associatedData)
    const decipher = createDecipheriv(ALGORITHM, keyBytes(message.keyId), message.nonce, TAG)
    return decipher.update(message.ciphertext)
  },
})

/** Authenticates the context alone. */
const withoutHeader = (sound: CryptoProvider): CryptoProvider => ({
  async encrypt(keyId, plaintext, associatedData, options) {
    const sealed = await sound.encrypt(keyId, plaintext, associatedData, { ...options, padding: 'none' })
    const header = sealed.toBytes().slice(0, headerLengthOf(sealed.toBytes()))
    const bare = createCipheriv(ALGORITHM, keyBytes(keyId), sealed.nonce, TAG)
    bare.setAAD(associatedData)
    const ciphertext = Buffer.concat([bare.update(plaintext), bare.final()])
    return EncryptedMessage.fromBytes(Uint8Array.from([...header, ...ciphertext, ...bare.getAuthTag()]))
  },
  async decrypt(message, associatedData) {
    if (!isKnown(message.keyId)) return sound.decrypt(message, associatedData)
    const decipher = createDecipheriv(ALGORITHM, keyBytes(message.keyId), message.nonce, TAG)
    decipher.setAAD(associatedData)
    decipher.setAuthTag(message.authTag)
    const plaintext = decipher.update(message.ciphertext)
    try {
      decipher.final()
    } catch {
      throw new QueueError('AuthenticationFailed', 'The message is not authentic.')
    }
    return plaintext
  },
})

/** Authenticates something else than it was told. */
const rewriting =
  (rewrite: (associatedData: Uint8Array) => Uint8Array) =>
  (sound: CryptoProvider): CryptoProvider => ({
    encrypt: (keyId, plaintext, associatedData, options) =>
      sound.encrypt(keyId, plaintext, rewrite(associatedData), options),
    decrypt: (message, associatedData, options) => sound.decrypt(message, rewrite(associatedData), options),
  })

/** Takes the presence bytes and lengths out of an encoded context (protocol.md 2.2) and leaves the texts. */
const textsOf = (encoded: Uint8Array): Uint8Array => {
  const bytes = Buffer.from(encoded)
  const texts: Uint8Array[] = []
  let at = 0
  const readField = (): void => {
    const isAbsent = bytes.readUInt8(at) === 0
    const length = isAbsent ? 0 : bytes.readUInt16BE(at + 1)
    const from = at + (isAbsent ? 1 : 3)
    texts.push(bytes.subarray(from, from + length))
    at = from + length
  }
  for (let count = 0; count < 5; count += 1) readField()
  at += 2
  while (at < bytes.length) readField()
  return Buffer.concat(texts)
}

/** Says so where the key is not the current one. */
const talkative = (sound: CryptoProvider): CryptoProvider => ({
  ...sound,
  async decrypt(message, associatedData, options) {
    try {
      return await sound.decrypt(message, associatedData, options)
    } catch (error) {
      throw message.keyId === KEY_ID ? error : new QueueError('AuthenticationFailed', 'Wrong key.')
    }
  },
})

export const cipherMutants = {
  'looks at no tag': cipher(withoutFinal),
  'leaves the header out of the tag': cipher(withoutHeader),
  'leaves the context out of the tag': cipher(rewriting(() => NOTHING)),
  'joins the fields of the context without their lengths': cipher(rewriting(textsOf)),
  'tells which check failed': cipher(talkative),
} as const
