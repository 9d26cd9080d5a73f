import { isQueueError } from '@queue-runtime/core'
import { isEncrypted } from '@queue-runtime/core/provider'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seal } from '../src/aes-gcm.ts'
import { encodeContext } from '../src/associated-data.ts'
import { keyObjectOf } from '../src/encryption-key.ts'
import { allocateEnvelope, headerLength, parseEnvelope } from '../src/envelope.ts'
import { EncryptedMessage } from '../src/index.ts'
import { pad, padmeLength, unpad } from '../src/padding.ts'
import { SCALED_TIMEOUT_MS, scaled } from './scale.ts'
import { key, NOW, utf8 } from './support.ts'

const header = { keyId: 'test-key-1', encryptedAt: new Date(NOW), nonce: new Uint8Array(12).fill(7), isPadded: false }
const sealed = seal(keyObjectOf(key('test-key-1')), header, utf8('hello'), new Uint8Array(0)).toBytes()

/** The parsed envelope, or the code of the error; anything else that is thrown fails the test. */
const parse = (body: Uint8Array): EncryptedMessage | string => {
  try {
    return EncryptedMessage.fromBytes(body)
  } catch (error) {
    if (isQueueError(error)) return error.code
    throw error
  }
}

/** The envelope written anew from what was read of it. */
const rewritten = (message: EncryptedMessage): Uint8Array => {
  const { keyId, ciphertext, authTag } = message
  const bytes = allocateEnvelope(message, ciphertext.length)
  bytes.set(ciphertext, headerLength(keyId))
  bytes.set(authTag, headerLength(keyId) + ciphertext.length)
  return bytes
}

describe('the parser (X7)', () => {
  it('answers random and mutated bytes with two codes only, and what it accepts it writes the same way', {
    timeout: SCALED_TIMEOUT_MS,
  }, () => {
    const mutated = fc
      .tuple(fc.nat(sealed.length - 1), fc.uint8Array({ maxLength: 4 }))
      .map(([at, bytes]) => Uint8Array.from([...sealed.slice(0, at), ...bytes, ...sealed.slice(at + bytes.length)]))
    const marked = fc.uint8Array({ maxLength: 80 }).map((tail) => Uint8Array.from([...utf8('QRE1'), ...tail]))
    const cut = fc
      .tuple(fc.nat(sealed.length), fc.uint8Array({ maxLength: 20 }))
      .map(([length, tail]) => Uint8Array.from([...sealed.slice(0, length), ...tail]))
    const flipped = fc
      .tuple(fc.nat(sealed.length - 1), fc.nat(7))
      .map(([at, bit]) => sealed.map((byte, index) => (index === at ? byte ^ (1 << bit) : byte)))
    const runs = scaled(30_000)
    let accepted = 0
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 80 }), marked, mutated, cut, flipped), (body) => {
        const result = parse(body)
        if (typeof result === 'string') {
          expect(['InvalidEnvelope', 'UnsupportedVersion']).toContain(result)
          return
        }
        accepted += 1
        expect([result.nonce.length, result.authTag.length]).toEqual([12, 16])
        expect(Buffer.compare(result.toBytes(), body)).toBe(0)
        expect(Buffer.compare(rewritten(result), body)).toBe(0)
      }),
      { numRuns: runs },
    )
    expect(accepted).toBeGreaterThan(runs / 20)
  })

  it('reads an envelope that stands inside a larger buffer', () => {
    const surrounded = Uint8Array.from([1, 2, 3, ...sealed, 4])
    const view = surrounded.subarray(3, 3 + sealed.length)
    expect(EncryptedMessage.fromBytes(view)).toMatchObject({ keyId: 'test-key-1', version: 1 })
  })

  it('refuses a length above the limit without allocating for it', () => {
    const body = new Uint8Array(sealed)
    body.set([0xff, 0xff, 0xff, 0xff], 26)
    expect(() => parseEnvelope(body)).toThrow(expect.objectContaining({ facts: { reason: 'too_large' } }))
    expect(() => parseEnvelope(sealed, 4)).toThrow(expect.objectContaining({ facts: { reason: 'too_large' } }))
  })
})

describe('isEncrypted (X8)', () => {
  it('is true exactly when the first four bytes are QRE1', () => {
    for (const [text, expected] of [
      ['', false],
      ['QRE', false],
      ['QRE1', true],
      ['QRE1x', true],
      ['QRE2', false],
      ['xQRE1', false],
      ['qre1', false],
    ] as const) {
      expect(isEncrypted(utf8(text))).toBe(expected)
    }
  })
})

describe('padding', () => {
  it('adds at most 12 % above a few bytes, and comes off again', { timeout: SCALED_TIMEOUT_MS }, () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3_000 }), (plaintext) => {
        const padded = pad(plaintext)
        expect(padded.length).toBe(padmeLength(plaintext.length + 1))
        expect(padded.length).toBeLessThanOrEqual(Math.ceil((plaintext.length + 1) * 1.12))
        expect(unpad(padded)).toEqual(plaintext)
      }),
      { numRuns: scaled(100) },
    )
  })

  it('puts ten thousand lengths into 128', () => {
    const lengths = new Set(Array.from({ length: 10_000 }, (_, length) => padmeLength(length + 1)))
    expect(lengths.size).toBe(128)
  })

  it('is recognised in one form only', () => {
    for (const wrong of [[], [0], [1, 2], [0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0], [1, 2, 3, 4, 5, 6, 7, 0x80, 0, 0]]) {
      expect(unpad(Uint8Array.from(wrong))).toBeUndefined()
    }
    expect(unpad(Uint8Array.of(0x80))).toEqual(new Uint8Array(0))
  })

  it('returns bytes that share no memory with what it was given, even of a Buffer', () => {
    const padded = Buffer.from(pad(utf8('secret')))
    const plaintext = unpad(padded)
    padded.fill(0)
    expect(plaintext).toEqual(utf8('secret'))
  })
})

describe('the associated data', () => {
  const text = fc.option(fc.constantFrom('a', 'b', 'ab', 'é', '\u0001a'), { nil: undefined })
  const context = fc.record({
    messageId: fc.constantFrom('a', 'b', 'ab'),
    sessionId: text,
    correlationId: text,
    audience: text,
    attributes: fc.dictionary(fc.constantFrom('a', 'b', 'ab'), fc.constantFrom('', 'a', 'b', 'ab'), {
      noNullPrototype: true,
    }),
  })

  it('differs wherever the context differs', { timeout: SCALED_TIMEOUT_MS }, () => {
    const canonical = ({ attributes, ...ids }: { attributes: Record<string, string> }): string =>
      JSON.stringify([ids, Object.entries(attributes).sort(([one], [other]) => (one < other ? -1 : 1))])
    fc.assert(
      fc.property(context, context, (one, other) => {
        const isSameBytes = Buffer.compare(encodeContext(one), encodeContext(other)) === 0
        expect(isSameBytes).toBe(canonical(one) === canonical(other))
      }),
      { numRuns: scaled(5_000) },
    )
  })

  it('takes an empty correlation id and audience for none, since brokers do', () => {
    const none = encodeContext({ messageId: 'm' })
    expect(encodeContext({ messageId: 'm', correlationId: '', audience: '' })).toEqual(none)
  })

  it('orders attributes by their bytes, in whatever order they come', () => {
    const encode = (...names: string[]) =>
      Buffer.from(encodeContext({ messageId: 'm', attributes: Object.fromEntries(names.map((name) => [name, ''])) }))
    const astral = '\u{10000}'
    const last = '\uffff'
    expect(encode('b', astral, 'a', last)).toEqual(encode('a', 'b', last, astral))
    expect(encode('a', last, astral).toString('hex')).toMatch(/010003efbfbf010000010004f0908080010000$/)
  })

  it('refuses what has no one encoding', () => {
    for (const wrong of [
      { messageId: '' },
      { messageId: 'm', sessionId: '' },
      { messageId: 'm', correlationId: '\ud800' },
      { messageId: 'm', correlationId: 'x'.repeat(65_536) },
    ]) {
      expect(() => encodeContext(wrong)).toThrow(expect.objectContaining({ code: 'Validation' }))
    }
  })
})
