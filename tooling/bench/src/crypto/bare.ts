import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import type { CryptoContender, Setting } from './contender.ts'

const ALGORITHM = 'aes-256-gcm'
const NONCE_BYTES = 12
const TAG_BYTES = 16
const TAG = { authTagLength: TAG_BYTES } as const

interface Parts {
  readonly nonce: Uint8Array
  readonly ciphertext: Uint8Array
  readonly tag: Uint8Array
}

const seal = (key: KeyObject, body: Uint8Array, associatedData: Uint8Array) => {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv(ALGORITHM, key, nonce, TAG)
  cipher.setAAD(associatedData)
  const ciphertext = cipher.update(body)
  cipher.final()
  return { nonce, ciphertext, tag: cipher.getAuthTag() }
}

const open = (key: KeyObject, { nonce, ciphertext, tag }: Parts, associatedData: Uint8Array): Uint8Array => {
  const decipher = createDecipheriv(ALGORITHM, key, nonce, TAG)
  decipher.setAAD(associatedData)
  decipher.setAuthTag(tag)
  const opened = decipher.update(ciphertext)
  decipher.final()
  return opened
}

/** The calls of node:crypto that no one can do without, and nothing else: no envelope, no parsing, no key lookup, no promise. */
export function bareCalls({ keyBytes, authenticated }: Setting): CryptoContender {
  const key = createSecretKey(keyBytes)
  return {
    name: 'node:crypto, bare calls',
    run: (body) => open(key, seal(key, body, authenticated), authenticated),
  }
}

/**
 * The same calls with the parts in one body and a promise for each way: what a CryptoProvider cannot do without. The header is left
 * empty but for the nonce, and there is no parsing and no key lookup.
 */
export function bareCallsInOneBody({ keyBytes, headerBytes, authenticated }: Setting): CryptoContender {
  const key = createSecretKey(keyBytes)
  const sealInOneBody = async (body: Uint8Array): Promise<Uint8Array> => {
    const { nonce, ciphertext, tag } = seal(key, body, authenticated)
    const sealed = new Uint8Array(headerBytes + body.length + TAG_BYTES)
    sealed.set(nonce)
    sealed.set(ciphertext, headerBytes)
    ciphertext.buffer.transfer(0)
    sealed.set(tag, headerBytes + body.length)
    return sealed
  }
  const openFromOneBody = async (sealed: Uint8Array): Promise<Uint8Array> => {
    const nonce = sealed.subarray(0, NONCE_BYTES)
    const ciphertext = sealed.subarray(headerBytes, -TAG_BYTES)
    return open(key, { nonce, ciphertext, tag: sealed.subarray(-TAG_BYTES) }, authenticated)
  }
  return {
    name: 'node:crypto, one body, promises',
    run: async (body) => openFromOneBody(await sealInOneBody(body)),
  }
}
