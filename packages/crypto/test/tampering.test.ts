import { randomBytes } from 'node:crypto'
import type { IncomingMessage, QueueProtection } from '@queue-runtime/core/provider'
import { describe, expect, it } from 'vitest'
import { incoming, opened, protectionOf, refused, utf8 } from './support.ts'

const FIELDS = {
  messageId: '7b0e3d0e-5a3e-4f59-9a0c-0d8a3f2d1c11',
  sessionId: 'octo/repo/pull_request/42',
  correlationId: 'request-9',
  attributes: { 'event-type': 'push', unlisted: 'free' },
} as const

const BODIES: readonly (readonly [string, Uint8Array])[] = [
  ['a short body', utf8('{"amount":12}')],
  ['an empty body', new Uint8Array(0)],
  ['a body of 8 KiB', new Uint8Array(randomBytes(8192))],
]

const sealOne = async (body: Uint8Array): Promise<{ protection: QueueProtection; message: IncomingMessage }> => {
  const { protection } = protectionOf({ audience: 'orders', authenticatedAttributes: ['event-type'] })
  const sealed = await protection.protect({ ...FIELDS, body }, {})
  return { protection, message: incoming(sealed.body, { ...FIELDS, attributes: sealed.attributes }) }
}

const flip = (bytes: Uint8Array, bit: number): Uint8Array => {
  const copy = new Uint8Array(bytes)
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7))
  return copy
}

/** All ways to flip one bit of a text, as the text that a broker would then carry. */
const flipText = (text: string): string[] => {
  const bytes = utf8(text)
  return Array.from({ length: bytes.length * 8 }, (_, bit) => Buffer.from(flip(bytes, bit)).toString('utf8'))
}

const CHUNK = 500

/** Feeds `count` forgeries, made as they are needed, and returns the codes that they were refused with. */
const refusals = async (
  protection: QueueProtection,
  count: number,
  forge: (index: number) => IncomingMessage,
): Promise<string[]> => {
  const codes = new Set<string>()
  for (let start = 0; start < count; start += CHUNK) {
    const batch = Array.from({ length: Math.min(CHUNK, count - start) }, (_, index) => forge(start + index))
    const results = await protection.unprotect(batch, { purpose: 'deliver' })
    for (const result of results) codes.add(refused(result).error.code)
    expect(results).toHaveLength(batch.length)
  }
  return [...codes].sort()
}

const refusalsOf = (protection: QueueProtection, forgeries: readonly IncomingMessage[]): Promise<string[]> =>
  refusals(protection, forgeries.length, (index) => forgeries[index] as IncomingMessage)

describe.each(BODIES)('of %s, sealed', { timeout: 120_000 }, (_, body) => {
  it('the untouched message opens', async () => {
    const { protection, message } = await sealOne(body)
    const [result] = await protection.unprotect([message], { purpose: 'deliver' })
    expect(Buffer.compare(opened(result).body, body)).toBe(0)
  })

  it('every single-bit flip is refused (A25, X5)', async () => {
    const { protection, message } = await sealOne(body)
    const codes = await refusals(protection, message.body.length * 8, (bit) => ({
      ...message,
      body: flip(message.body, bit),
    }))
    // A flipped marker is plaintext, a flipped time may be out of the window, a flipped key id may be another key's.
    expect(codes).toEqual([
      'AuthenticationFailed',
      'InvalidEnvelope',
      'KeyNotFound',
      'MessageExpired',
      'MessageFromFuture',
      'UnencryptedMessage',
      'UnsupportedVersion',
    ])
  })

  it('every truncation is refused (X7)', async () => {
    const { protection, message } = await sealOne(body)
    const codes = await refusals(protection, message.body.length, (length) => ({
      ...message,
      body: message.body.slice(0, length),
    }))
    expect(codes).toEqual(['InvalidEnvelope', 'UnencryptedMessage'])
  })

  it('every single-bit flip and every truncation of each authenticated id is refused (A25)', async () => {
    const { protection, message } = await sealOne(body)
    for (const field of ['messageId', 'sessionId', 'correlationId'] as const) {
      const text = FIELDS[field]
      const shortened = Array.from({ length: text.length }, (_, length) => text.slice(0, length))
      const forgeries = [...flipText(text), ...shortened, undefined].map((value) => ({
        ...message,
        [field]: value ?? (field === 'messageId' ? '' : undefined),
      }))
      expect(await refusalsOf(protection, forgeries)).toEqual(['AuthenticationFailed'])
    }
  })

  it('every change to a listed attribute, its name and the list is refused; an unlisted one is free (X30)', async () => {
    const { protection, message } = await sealOne(body)
    const { attributes } = message
    const withAttributes = (changed: Record<string, string | undefined>): IncomingMessage => ({
      ...message,
      attributes: JSON.parse(JSON.stringify({ ...attributes, ...changed })),
    })
    const forgeries = [
      ...flipText('push').map((value) => withAttributes({ 'event-type': value })),
      ...flipText('event-type').map((value) => withAttributes({ 'qr-auth-attrs': value })),
      withAttributes({ 'event-type': undefined }),
      withAttributes({ 'qr-auth-attrs': undefined }),
      withAttributes({ 'qr-auth-attrs': 'event-type,unlisted' }),
      withAttributes({ 'qr-auth-attrs': 'event-type,event-type' }),
      withAttributes({ 'qr-auth-attrs': '' }),
      { ...message, attributes: { ...attributes, 'qr-auth-attrs': ['event-type'] as unknown as string } },
      withAttributes({ 'qr-auth-attrs': 'constructor' }),
    ]
    expect(await refusalsOf(protection, forgeries)).toEqual(['AuthenticationFailed'])
    const [free] = await protection.unprotect([withAttributes({ unlisted: 'edited' })], { purpose: 'deliver' })
    expect(opened(free).seal?.attributes).toEqual({ 'event-type': 'push' })
  })
})
