import { readFileSync } from 'node:fs'
import { type ErrorCode, QueueError } from '@queue-runtime/core'
import { describe, expect, it } from 'vitest'
import { open, seal } from '../src/aes-gcm.ts'
import { encodeContext, type MessageContext } from '../src/associated-data.ts'
import { keyObjectOf } from '../src/encryption-key.ts'
import { parseEnvelope } from '../src/envelope.ts'
import { EncryptionKey } from '../src/index.ts'

interface Vector {
  readonly name: string
  readonly result: 'valid' | 'invalid'
  readonly error?: string
  readonly key: string
  readonly keyId: string
  readonly nonce: string
  readonly encryptedAtMs: number
  readonly padded: boolean
  readonly context: MessageContext
  readonly contextHex: string
  readonly plaintext: string
  readonly envelope: string
}

const file = new URL('../vectors/qre1-v1.json', import.meta.url)
const { tests } = JSON.parse(readFileSync(file, 'utf8')) as { tests: Vector[] }
const valid = tests.filter(({ result }) => result === 'valid')
const invalid = tests.filter(({ result }) => result === 'invalid')

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const keyOf = (vector: Vector) => keyObjectOf(EncryptionKey.fromBytes('test-key-1', hex(vector.key)))

/** `InvalidEnvelope:truncated`, `UnsupportedVersion:255`, `AuthenticationFailed`: as the vectors name errors. */
const nameOf = (error: unknown): string => {
  if (!(error instanceof QueueError)) return String(error)
  const details: Partial<Record<ErrorCode, unknown>> = {
    InvalidEnvelope: error.facts && 'reason' in error.facts ? error.facts.reason : undefined,
    UnsupportedVersion: error.facts && 'version' in error.facts ? error.facts.version : undefined,
  }
  const detail = details[error.code as ErrorCode]
  return detail === undefined ? error.code : `${error.code}:${detail}`
}

describe('the fixed vectors of QRE1 version 1 (A24, A25, A33, protocol.md 8)', () => {
  it('are all 54: 34 valid and 20 invalid', () => {
    expect([valid.length, invalid.length]).toEqual([34, 20])
  })

  it.each(valid)('seals $name to the same bytes', (vector) => {
    const header = {
      keyId: vector.keyId,
      encryptedAt: new Date(vector.encryptedAtMs),
      nonce: hex(vector.nonce),
      isPadded: vector.padded,
    }
    const associatedData = encodeContext(vector.context)
    expect(toHex(associatedData)).toBe(vector.contextHex)
    const sealed = seal(keyOf(vector), header, hex(vector.plaintext), associatedData)
    expect(toHex(sealed.toBytes())).toBe(vector.envelope)
  })

  it.each(valid)('opens $name to the same plaintext', (vector) => {
    const parsed = parseEnvelope(hex(vector.envelope))
    expect(parsed).toMatchObject({ keyId: vector.keyId, isPadded: vector.padded })
    expect(parsed.encryptedAt.getTime()).toBe(vector.encryptedAtMs)
    expect(toHex(open(keyOf(vector), parsed, hex(vector.contextHex)))).toBe(vector.plaintext)
  })

  it.each(invalid)('refuses $name with $error', (vector) => {
    const attempt = (): Uint8Array => {
      const parsed = parseEnvelope(hex(vector.envelope))
      return open(keyOf(vector), parsed, encodeContext(vector.context))
    }
    let thrown: unknown
    try {
      attempt()
    } catch (error) {
      thrown = error
    }
    expect(nameOf(thrown)).toBe(vector.error)
  })
})
