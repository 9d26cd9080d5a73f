import { createDecipheriv } from 'node:crypto'
import { QueueError } from '@queue-runtime/core'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import {
  aesGcmCryptoProvider,
  EncryptedMessage,
  type KeyProvider,
  type MessageCryptoOptions,
  messageCrypto,
  multiKeyProvider,
} from '../src/index.ts'
import { SCALED_TIMEOUT_MS, scaled } from './scale.ts'
import { assertSealed, incoming, key, NOW, opened, protectionOf, recordedContext, refused, utf8 } from './support.ts'

const deliver = { purpose: 'deliver' } as const
const message = { body: utf8('{"amount":12}'), messageId: 'm-1' }
const minutes = (count: number): number => count * 60_000

/** The one result of one message. */
const unprotectOne = async (
  { protection }: Pick<ReturnType<typeof protectionOf>, 'protection'>,
  ...[body, fields, purpose = 'deliver']: [...Parameters<typeof incoming>, ('deliver' | 'inspect')?]
) => (await protection.unprotect([incoming(body, fields)], { purpose }))[0]

describe('sealing and opening', () => {
  it('gives back any bytes under any ids, padded or not (A24, X1)', { timeout: SCALED_TIMEOUT_MS }, async () => {
    const id = fc.string({
      unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
      minLength: 1,
      maxLength: 40,
    })
    const context = fc.record({
      body: fc.uint8Array({ maxLength: 500 }),
      messageId: id,
      sessionId: fc.option(id, { nil: undefined }),
      correlationId: fc.option(fc.string({ unit: 'grapheme', maxLength: 20 }), { nil: undefined }),
      padding: fc.constantFrom<'none' | 'padme'>('none', 'padme'),
    })
    await fc.assert(
      fc.asyncProperty(context, async ({ body, padding, ...fields }) => {
        const { protection } = protectionOf({ padding })
        const sealed = await protection.protect({ body, ...fields }, {})
        assertSealed(sealed.body)
        const result = opened(await unprotectOne({ protection }, sealed.body, fields))
        expect(Buffer.compare(result.body, body)).toBe(0)
        expect(result.body.buffer.byteLength).toBe(body.length)
      }),
      { numRuns: scaled(300) },
    )
  })

  it('never writes the same bytes twice, and no window of the plaintext (X1, attack 1)', async () => {
    const { protection } = protectionOf()
    const one = await protection.protect(message, {})
    const other = await protection.protect(message, {})
    expect(Buffer.compare(one.body, other.body)).not.toBe(0)
    for (let at = 0; at + 8 <= message.body.length; at += 1) {
      expect(Buffer.from(one.body).includes(Buffer.from(message.body.subarray(at, at + 8)))).toBe(false)
    }
  })

  it('says what the tag proved', async () => {
    const { protection } = protectionOf({ audience: 'orders', authenticatedAttributes: ['b', 'a', 'absent'] })
    const sealed = await protection.protect({ ...message, attributes: { b: '2', a: '1', c: '3' } }, {})
    expect(sealed.attributes).toEqual({ a: '1', b: '2', c: '3', 'qr-auth-attrs': 'a,b' })
    const proven = {
      keyId: 'test-key-1',
      encryptedAt: new Date(NOW),
      audience: 'orders',
      attributes: { a: '1', b: '2' },
    }
    expect(sealed.seal).toEqual(proven)
    const result = await unprotectOne({ protection }, sealed.body, { attributes: sealed.attributes })
    expect(opened(result).seal).toEqual(proven)
  })

  it('refuses another audience, though the key is shared (attack 34)', async () => {
    const orders = protectionOf({ audience: 'orders' })
    const sealed = await orders.protection.protect(message, {})
    for (const audience of ['refunds', undefined]) {
      const result = await unprotectOne(protectionOf({ audience }), sealed.body)
      expect(refused(result).error.code).toBe('AuthenticationFailed')
    }
  })

  it('opens a sealed body that was sealed again exactly once', async () => {
    const { protection } = protectionOf()
    const inner = await protection.protect(message, {})
    const outer = await protection.protect({ ...message, body: inner.body }, {})
    expect(opened(await unprotectOne({ protection }, outer.body)).body).toEqual(inner.body)
  })

  it('stamps a scheduled message with its due time, and refuses it before (protocol.md 4.1)', async () => {
    const sender = protectionOf()
    const deliverAt = new Date(NOW + minutes(60))
    const sealed = await sender.protection.protect({ ...message, deliverAt }, {})
    const early = refused(await unprotectOne(sender, sealed.body))
    expect(early.error.code).toBe('MessageFromFuture')
    await sender.clock.advance(minutes(64))
    expect(opened(await unprotectOne(sender, sealed.body)).seal?.encryptedAt).toEqual(deliverAt)
  })

  it('stamps a message whose due time is past with the present: a late scheduler loses nothing', async () => {
    const parts = protectionOf()
    const sealed = await parts.protection.protect({ ...message, deliverAt: new Date(NOW - minutes(60)) }, {})
    expect(sealed.seal?.encryptedAt).toEqual(new Date(NOW))
    expect(opened(await unprotectOne(parts, sealed.body)).body).toEqual(message.body)
  })

  it('treats each message of a batch by itself (X28)', async () => {
    const { protection } = protectionOf()
    const { body } = await protection.protect(message, {})
    const results = await protection.unprotect(
      [incoming(body), incoming(utf8('QRE1')), incoming(body, { messageId: 'm-2' }), incoming(body)],
      deliver,
    )
    expect(results.map((result) => ('error' in result ? result.error.code : 'opened'))).toEqual([
      'opened',
      'InvalidEnvelope',
      'AuthenticationFailed',
      'opened',
    ])
  })

  it('tells no difference between a wrong key, tag, nonce or context (X21, attack 42)', async () => {
    const { protection } = protectionOf()
    const { body } = await protection.protect(message, {})
    const edited = (at: number): Uint8Array => body.map((byte, index) => (index === at ? byte ^ 1 : byte))
    const otherKey = protectionOf({ keyProvider: multiKeyProvider({ keys: [key('test-key-1', 1)] }) })
    const results = [
      await unprotectOne(otherKey, body),
      await unprotectOne({ protection }, edited(body.length - 1)),
      await unprotectOne({ protection }, edited(20)),
      await unprotectOne({ protection }, edited(45)),
      await unprotectOne({ protection }, body, { correlationId: 'c' }),
    ].map((result) => {
      const { error, disposition } = refused(result)
      return { json: JSON.stringify(error), disposition }
    })
    expect(new Set(results.map(({ json }) => json)).size).toBe(1)
    expect(results[0]?.disposition).toEqual({ action: 'dead-letter', reason: 'qr.rejected' })
  })
})

describe('freshness (A26)', () => {
  it.each([
    ['2 minutes old', minutes(2), undefined],
    ['5 minutes old to the millisecond', minutes(5), undefined],
    ['5 minutes and 1 ms old', minutes(5) + 1, 'MessageExpired'],
    ['10 minutes old', minutes(10), 'MessageExpired'],
    ['1 minute ahead', -minutes(1), undefined],
    ['1 minute and 1 ms ahead', -minutes(1) - 1, 'MessageFromFuture'],
  ])('of a message %s', async (_, ageMs, code) => {
    const sender = recordedContext()
    await sender.clock.advance(minutes(60) - ageMs)
    const sealed = await protectionOf({}, sender).protection.protect(message, {})
    const receiver = recordedContext()
    await receiver.clock.advance(minutes(60))
    const result = await unprotectOne(protectionOf({}, receiver), sealed.body)
    expect(result && 'error' in result ? result.error.code : undefined).toBe(code)
  })

  it('is refused before any key is fetched (A26)', async () => {
    const getKey = vi.fn<KeyProvider['getKey']>(async () => key('test-key-1'))
    const recorded = recordedContext()
    const { protection } = protectionOf({ keyProvider: { getKey, currentKeyId: async () => 'test-key-1' } }, recorded)
    const sealed = await protection.protect(message, {})
    getKey.mockClear()
    await recorded.clock.advance(minutes(6))
    const result = refused(await unprotectOne({ protection }, sealed.body))
    expect(result.error.facts).toEqual({ encryptedAt: new Date(NOW), maxAgeMs: minutes(5) })
    expect(result.disposition).toEqual({ action: 'dead-letter', reason: 'qr.expired' })
    expect(getKey).not.toHaveBeenCalled()
  })

  it('can be switched off, and is not asked of a dead letter', async () => {
    for (const [options, purpose] of [
      [{ validateFreshness: false }, 'deliver'],
      [{}, 'inspect'],
    ] as const) {
      const recorded = recordedContext()
      const parts = protectionOf(options, recorded)
      const sealed = await parts.protection.protect(message, {})
      await recorded.clock.advance(minutes(600))
      expect(opened(await unprotectOne(parts, sealed.body, {}, purpose)).body).toEqual(message.body)
    }
  })
})

describe('plaintext (A35, A37, X11)', () => {
  const policies: [MessageCryptoOptions['plaintextPolicy'], string, boolean, string[]][] = [
    [undefined, 'warn', true, []],
    ['allow', 'warn', true, []],
    ['allow-with-alert', 'error', true, ['unencrypted_message']],
    ['reject', 'error', false, ['unencrypted_message']],
  ]
  it.each(policies)(
    'under policy %s gives a line of level %s',
    async (plaintextPolicy, level, isHandedOver, labels) => {
      const parts = protectionOf({ plaintextPolicy, enabled: undefined })
      const result = await unprotectOne(parts, utf8('hello'))
      expect(result && 'body' in result).toBe(isHandedOver)
      if (isHandedOver) expect(opened(result).seal).toBeNull()
      else expect(refused(result).disposition).toEqual({ action: 'dead-letter', reason: 'qr.rejected' })
      expect(parts.lines.map((line) => [line.level, line.text])).toEqual([
        [level, 'Message received WITHOUT encryption'],
      ])
      expect(
        parts.counts.filter(({ name }) => name === 'queue_crypto_errors_total').map(({ labels }) => labels),
      ).toEqual(labels.map((error_type) => ({ queue: 'orders', error_type })))
    },
  )

  it('is refused from the date that the roll-out set', async () => {
    const parts = protectionOf({ plaintextPolicy: 'allow', plaintextAllowedUntil: new Date(NOW + 1_000) })
    expect(opened(await unprotectOne(parts, utf8('hello'))).seal).toBeNull()
    await parts.clock.advance(1_000)
    expect(refused(await unprotectOne(parts, utf8('hello'))).error.code).toBe('UnencryptedMessage')
  })

  it('never comes of a marked body, whatever the policy (attack 28)', async () => {
    const parts = protectionOf({ plaintextPolicy: 'allow' })
    const version2 = Uint8Array.from([...utf8('QRE1'), 2, ...new Uint8Array(60)])
    expect(refused(await unprotectOne(parts, version2)).error.facts).toEqual({ version: 2 })
    expect(refused(await unprotectOne(parts, utf8('QRE1'))).error.facts).toEqual({ reason: 'truncated' })
  })
})

describe('what is sent', () => {
  it('goes in the clear with a warning per message where enabled is false (A36)', async () => {
    const { protection, lines } = protectionOf({ enabled: false, plaintextPolicy: 'allow' })
    const result = await protection.protect(message, {})
    expect(result).toEqual({ body: message.body, attributes: {}, seal: null })
    expect(lines).toEqual([
      {
        level: 'warn',
        text: 'Message sent WITHOUT encryption',
        fields: { queue_name: 'orders', operation: 'send', message_id: 'm-1', encrypted: false },
      },
    ])
  })

  it('is nothing where enabled was left out: the client only receives', async () => {
    const { protection } = protectionOf({ enabled: undefined })
    await expect(protection.protect(message, {})).rejects.toMatchObject({
      code: 'Configuration',
      facts: { field: 'enabled' },
    })
  })

  it('is noted with its key id, and so is what is received (O8)', async () => {
    const parts = protectionOf()
    const sealed = await parts.protection.protect(message, {})
    await unprotectOne(parts, sealed.body)
    expect(parts.lines.map(({ level, text, fields }) => [level, text, fields.encrypted, fields.key_id])).toEqual([
      ['info', 'Message sent with encryption', true, 'test-key-1'],
      ['info', 'Message received with encryption', true, 'test-key-1'],
    ])
  })

  it('is refused where the receiver would refuse it unread, padding included (M11)', async () => {
    const { protection } = protectionOf({ maxCiphertextBytes: 10, padding: 'padme' })
    await protection.protect({ ...message, body: new Uint8Array(9) }, {})
    await expect(protection.protect({ ...message, body: new Uint8Array(10) }, {})).rejects.toMatchObject({
      code: 'MessageTooLarge',
      facts: { size: 12, maxSize: 10 },
    })
  })

  it('is measured, and so is what is received, by names and labels that hold no message id (O1–O4, O6)', async () => {
    const createdAt = new Date(NOW - minutes(60))
    const keyProvider = multiKeyProvider({ keys: [key('test-key-1', 0, { createdAt })] })
    const parts = protectionOf({ keyProvider })
    const sealed = await parts.protection.protect(message, {})
    await parts.clock.advance(2_500)
    await unprotectOne(parts, sealed.body)
    expect(parts.counts).toEqual([{ name: 'queue_crypto_key_seals_total', labels: { key_id: 'test-key-1' } }])
    const byName = new Map(parts.measures.map(({ name, ...measured }) => [name, measured]))
    expect(byName.get('queue_crypto_message_age_seconds')).toEqual({ value: 2.5, labels: { queue: 'orders' } })
    expect(byName.get('queue_crypto_key_created_timestamp')).toEqual({
      value: createdAt.getTime() / 1_000,
      labels: { key_id: 'test-key-1' },
    })
    for (const name of ['queue_crypto_encrypt_duration_seconds', 'queue_crypto_decrypt_duration_seconds']) {
      expect(byName.get(name)).toEqual({ value: expect.any(Number), labels: { queue: 'orders' } })
    }
  })

  it('is checked: an error of the cipher says its class and nothing of the body', async () => {
    const cryptoProvider = {
      encrypt: () => Promise.reject(new RangeError('secret {"amount":12}')),
      decrypt: () => Promise.reject(new RangeError('secret')),
    }
    const { protection } = protectionOf({ cryptoProvider })
    const error = await protection.protect(message, {}).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'EncryptionFailed', message: 'Sealing failed (RangeError).' })
    const sealed = await protectionOf().protection.protect(message, {})
    const result = refused(await unprotectOne({ protection }, sealed.body))
    expect(result).toMatchObject({ error: { code: 'KeyProviderError' }, disposition: { action: 'hold' } })
  })

  it('is checked: a cipher that throws at once quotes no body, and one that gives no bytes hands nothing over', async () => {
    const cryptoProvider = {
      encrypt: () => {
        throw new RangeError('secret {"amount":12}')
      },
      decrypt: async () => undefined as never,
    }
    const { protection } = protectionOf({ cryptoProvider })
    const error = await protection.protect(message, {}).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'EncryptionFailed', message: 'Sealing failed (RangeError).' })
    const sealed = await protectionOf().protection.protect(message, {})
    const result = refused(await unprotectOne({ protection }, sealed.body))
    expect(result).toMatchObject({ error: { code: 'KeyProviderError' }, disposition: { action: 'hold' } })
  })

  it('is counted: a key stops at its limit, and a shared key is warned of once (protocol.md 3, attack 39)', async () => {
    const crypto = messageCrypto({
      enabled: true,
      keyProvider: multiKeyProvider({ keys: [key('test-key-1')] }),
      plaintextPolicy: 'reject',
      maxSealsPerKey: 3,
    })
    const orders = recordedContext()
    const refunds = recordedContext({ queue: 'refunds' })
    await crypto.open(orders.context).protect(message, {})
    const second = crypto.open(refunds.context)
    await second.protect(message, {})
    await second.protect(message, {})
    await expect(second.protect(message, {})).rejects.toMatchObject({
      code: 'KeyUsageLimitExceeded',
      isTransient: false,
    })
    const warnings = [...orders.lines, ...refunds.lines].filter(({ level }) => level === 'warn')
    expect(warnings.map(({ text, fields }) => [text, fields.queue_name, fields.key_id])).toEqual([
      [expect.stringContaining('One key seals for two queues'), 'refunds', 'test-key-1'],
    ])
  })
})

describe('keys', () => {
  it('absent, refused and unavailable are three things (A28)', async () => {
    const sealed = await protectionOf().protection.protect(message, {})
    const providerOf = (getKey: KeyProvider['getKey']): KeyProvider => ({ getKey, currentKeyId: async () => 'k' })
    const outcomes = [
      [async () => null, 'KeyNotFound', 'abandon'],
      [async () => Promise.reject(new QueueError('KeyDisabled', 'disabled')), 'KeyDisabled', 'dead-letter'],
      [async () => Promise.reject(new QueueError('InvalidKeyLength', 'short')), 'InvalidKeyLength', 'dead-letter'],
      [async () => Promise.reject(new Error('password=hunter2')), 'KeyProviderError', 'hold'],
      [
        () => {
          throw new TypeError('password=hunter2')
        },
        'KeyProviderError',
        'hold',
      ],
      [async () => undefined as never, 'KeyNotFound', 'abandon'],
      [async () => key('another'), 'KeyProviderError', 'hold'],
      [async () => ({ id: 'test-key-1' }) as never, 'KeyProviderError', 'hold'],
    ] as const
    for (const [getKey, code, action] of outcomes) {
      const result = refused(await unprotectOne(protectionOf({ keyProvider: providerOf(getKey) }), sealed.body))
      expect([result.error.code, result.disposition.action]).toEqual([code, action])
      expect(JSON.stringify(result.error)).not.toContain('hunter2')
    }
  })

  it('are missing: a sealed message is held, never handed over as plaintext', async () => {
    const sealed = await protectionOf().protection.protect(message, {})
    const parts = protectionOf({ keyProvider: undefined, enabled: undefined, plaintextPolicy: 'allow' })
    const result = refused(await unprotectOne(parts, sealed.body))
    expect(result).toMatchObject({ error: { code: 'KeyProviderMissing' }, disposition: { action: 'hold' } })
  })

  it('seal only within their validity, and open what they sealed in it (X18)', async () => {
    const at = (count: number): Date => new Date(NOW + minutes(count))
    const windowed = key('test-key-1', 0, { notBefore: at(10), expiresAt: at(20), openUntil: at(40) })
    const recorded = recordedContext()
    const keyProvider = multiKeyProvider({ keys: [windowed] })
    const parts = protectionOf({ keyProvider, validateFreshness: false }, recorded)
    const sealNow = () => parts.protection.protect(message, {})

    await expect(sealNow()).rejects.toMatchObject({ code: 'KeyNotYetValid' })
    await recorded.clock.advance(minutes(9))
    const sealed = await sealNow()
    await expect(parts.protection.protect({ ...message, deliverAt: at(20) }, {})).rejects.toMatchObject({
      code: 'KeyExpired',
    })
    await recorded.clock.advance(minutes(11))
    await expect(sealNow()).rejects.toMatchObject({ code: 'KeyExpired' })
    expect(opened(await unprotectOne(parts, sealed.body)).seal?.keyId).toBe('test-key-1')
    await recorded.clock.advance(minutes(20))
    expect(refused(await unprotectOne(parts, sealed.body)).error.code).toBe('KeyExpired')
  })

  it('seal nothing after their expiry, whatever time is sealed in, and open what a clock slightly ahead sealed', async () => {
    const expiresAt = new Date(NOW + minutes(1))
    const clock = recordedContext().clock
    const retired = multiKeyProvider({ keys: [key('k', 0, { expiresAt })] })
    const young = aesGcmCryptoProvider(multiKeyProvider({ keys: [key('k')] }), { clock })
    const old = aesGcmCryptoProvider(retired, { clock })
    const sealedAt = (ms: number) => young.encrypt('k', message.body, utf8(''), { encryptedAt: new Date(NOW + ms) })

    await expect(old.encrypt('k', message.body, utf8(''))).resolves.toMatchObject({ keyId: 'k' })
    await clock.advance(minutes(1))
    const backdated = { encryptedAt: new Date(NOW) }
    await expect(old.encrypt('k', message.body, utf8(''), backdated)).rejects.toMatchObject({ code: 'KeyExpired' })
    expect(await old.decrypt(await sealedAt(minutes(2)), utf8(''))).toEqual(message.body)
    await expect(old.decrypt(await sealedAt(minutes(2) + 1), utf8(''))).rejects.toMatchObject({ code: 'KeyExpired' })
  })

  it('seal nothing that nobody could open', async () => {
    const keyProvider = multiKeyProvider({ keys: [key('k', 0, { openUntil: new Date(NOW + 1) })] })
    const recorded = recordedContext()
    const { protection } = protectionOf({ keyProvider }, recorded)
    await protection.protect(message, {})
    await recorded.clock.advance(1)
    await expect(protection.protect(message, {})).rejects.toMatchObject({ code: 'KeyExpired' })
  })

  it('that were retired and stolen seal nothing that opens (attack 33)', async () => {
    const thief = protectionOf()
    await thief.clock.advance(minutes(3))
    const forged = await thief.protection.protect(message, {})
    const retired = key('test-key-1', 0, { expiresAt: new Date(NOW + minutes(1)) })
    const parts = protectionOf({ keyProvider: multiKeyProvider({ keys: [retired] }) })
    await parts.clock.advance(minutes(3))
    expect(refused(await unprotectOne(parts, forged.body))).toMatchObject({
      error: { code: 'KeyExpired' },
      disposition: { action: 'dead-letter', reason: 'qr.rejected' },
    })
  })

  it('ids that are not in the grammar never reach the provider (attack 31)', async () => {
    const getKey = vi.fn<KeyProvider['getKey']>(async () => null)
    const parts = protectionOf({ keyProvider: { getKey, currentKeyId: async () => 'k' } })
    const sealed = await protectionOf().protection.protect(message, {})
    for (const id of ['../secret1', 'test\nkey-1', 'test\0key-1', 'test/key-1']) {
      const body = new Uint8Array(sealed.body)
      body.set(utf8(id), 31)
      expect(refused(await unprotectOne(parts, body)).error.facts).toEqual({ reason: 'key_id_charset' })
    }
    expect(getKey).not.toHaveBeenCalled()
  })
})

describe('the disposition of what may still become readable (protocol.md 4.2)', () => {
  it('is 5 s, then 35 s, then the dead-letter queue', async () => {
    const sealed = await protectionOf().protection.protect(message, {})
    const parts = protectionOf({ keyProvider: multiKeyProvider({ keys: [key('another')] }) })
    const dispositions = await Promise.all(
      [1, 2, 3, 9].map(
        async (deliveryCount) => refused(await unprotectOne(parts, sealed.body, { deliveryCount })).disposition,
      ),
    )
    expect(dispositions).toEqual([
      { action: 'abandon', delayMs: 5_000 },
      { action: 'abandon', delayMs: 35_000 },
      { action: 'dead-letter', reason: 'qr.unreadable' },
      { action: 'dead-letter', reason: 'qr.unreadable' },
    ])
  })

  it('refuses what a provider could not decode', async () => {
    const result = refused(await unprotectOne(protectionOf(), utf8('x'), { malformed: 'base64' }))
    expect(result).toMatchObject({ error: { facts: { reason: 'base64' } }, disposition: { reason: 'qr.rejected' } })
  })
})

describe('cancelling', () => {
  it('rejects with the reason of the signal and with nothing else', async () => {
    const stop = new AbortController()
    const keyProvider: KeyProvider = {
      getKey: (_, options) =>
        new Promise((_resolve, reject) => options?.signal?.addEventListener('abort', () => reject(new Error('late')))),
      currentKeyId: async () => 'k',
    }
    const sealed = await protectionOf().protection.protect(message, {})
    const waiting = protectionOf({ keyProvider }).protection.unprotect([incoming(sealed.body)], {
      ...deliver,
      signal: stop.signal,
    })
    const reason = new Error('enough')
    stop.abort(reason)
    await expect(waiting).rejects.toBe(reason)
  })
})

describe('aesGcmCryptoProvider', () => {
  const provider = aesGcmCryptoProvider(multiKeyProvider({ keys: [key('test-key-1')] }), {
    clock: recordedContext().clock,
  })

  it('opens with the associated data only (X6)', async () => {
    const sealed = await provider.encrypt('test-key-1', utf8('hello'), utf8('context'))
    expect(await provider.decrypt(sealed, utf8('context'))).toEqual(utf8('hello'))
    await expect(provider.decrypt(sealed, new Uint8Array(0))).rejects.toMatchObject({ code: 'AuthenticationFailed' })
  })

  it('asks for a tag of 16 bytes: Node takes one of 4 where nobody asks (X2)', () => {
    const lenient = createDecipheriv('aes-256-gcm', Buffer.alloc(32, 1), Buffer.alloc(12))
    expect(() => lenient.setAuthTag(Buffer.alloc(17))).toThrow()
    const strict = createDecipheriv('aes-256-gcm', Buffer.alloc(32, 1), Buffer.alloc(12), { authTagLength: 16 })
    expect(() => strict.setAuthTag(Buffer.alloc(4))).toThrow()
  })

  it('checks what it is given: options, bytes, padding and key ids (C23, attack 31)', async () => {
    const keyProvider = multiKeyProvider({ keys: [key('k')] })
    for (const clockSkewToleranceMs of ['60000', Number.NaN, Number.POSITIVE_INFINITY, -1]) {
      expect(() => aesGcmCryptoProvider(keyProvider, { clockSkewToleranceMs: clockSkewToleranceMs as number })).toThrow(
        expect.objectContaining({ facts: { field: 'clockSkewToleranceMs' } }),
      )
    }
    const wide = new Uint16Array(4) as unknown as Uint8Array
    await expect(provider.encrypt('test-key-1', wide, utf8(''))).rejects.toMatchObject({
      facts: { field: 'plaintext' },
    })
    await expect(provider.encrypt('test-key-1', utf8(''), wide)).rejects.toMatchObject({
      facts: { field: 'associatedData' },
    })
    const padding = 'pkcs7' as 'none'
    await expect(provider.encrypt('test-key-1', utf8(''), utf8(''), { padding })).rejects.toMatchObject({
      facts: { field: 'padding' },
    })
    await expect(provider.encrypt('../k', utf8(''), utf8(''))).rejects.toMatchObject({ code: 'KeyNotFound' })
  })

  it('verifies what was looked at: a header that changes while the key is fetched opens nothing', async () => {
    const old = await provider.encrypt('test-key-1', utf8('old'), utf8(''), {
      encryptedAt: new Date(NOW - minutes(600)),
    })
    const fresh = await provider.encrypt('test-key-1', utf8('new'), utf8(''))
    const reused = new Uint8Array(fresh.toBytes())
    const parsed = EncryptedMessage.fromBytes(reused)
    reused.set(old.toBytes())
    await expect(provider.decrypt(parsed, utf8(''))).rejects.toMatchObject({ code: 'AuthenticationFailed' })
    const { version, keyId, nonce, ciphertext, authTag, isPadded } = old
    const redated = {
      version,
      keyId,
      nonce,
      ciphertext,
      authTag,
      isPadded,
      encryptedAt: new Date(NOW),
      toBytes: () => old.toBytes(),
    }
    await expect(provider.decrypt(redated, utf8(''))).rejects.toMatchObject({ code: 'AuthenticationFailed' })
  })

  it('refuses unknown keys by id', async () => {
    await expect(provider.encrypt('k', utf8('x'), utf8(''))).rejects.toMatchObject({ facts: { keyId: 'k' } })
  })
})

describe('a clock that gives no number', () => {
  it('has nothing handed over and nothing sealed', async () => {
    const sealed = await protectionOf().protection.protect(message, {})
    const broken = recordedContext()
    const clock = { ...broken.clock, now: () => Number.NaN }
    const windowed = key('test-key-1', 0, { expiresAt: new Date(NOW + minutes(60)) })
    const keyProvider = multiKeyProvider({ keys: [windowed] })
    const context = { ...broken, context: { ...broken.context, clock } }
    for (const options of [{}, { validateFreshness: false }] as const) {
      const parts = protectionOf({ keyProvider, ...options }, context)
      if (options.validateFreshness !== false) refused(await unprotectOne(parts, sealed.body))
      await expect(parts.protection.protect(message, {})).rejects.toMatchObject({ code: 'KeyExpired' })
    }
    const until = { plaintextPolicy: 'allow', plaintextAllowedUntil: new Date(NOW + 1) } as const
    expect(refused(await unprotectOne(protectionOf(until, context), utf8('hello'))).error.code).toBe(
      'UnencryptedMessage',
    )
  })
})

describe('options', () => {
  it('are what they were when they were checked, whatever becomes of the object', async () => {
    const options: { plaintextPolicy: 'allow' | 'reject' } = { plaintextPolicy: 'reject' }
    const crypto = messageCrypto(options)
    options.plaintextPolicy = 'allow'
    const protection = crypto.open(recordedContext().context)
    expect(refused(await unprotectOne({ protection }, utf8('hello'))).error.code).toBe('UnencryptedMessage')
  })

  it('are checked at construction and named (C23, A16)', () => {
    const keyProvider = multiKeyProvider({ keys: [key('k')] })
    const wrong: [object, string][] = [
      [{ enabled: 'yes' }, 'enabled'],
      [{ enabled: true }, 'keyProvider'],
      [{ keyProvider: {} }, 'keyProvider'],
      [{ plaintextPolicy: 'deny' }, 'plaintextPolicy'],
      [{ plaintextPolcy: 'reject' }, 'plaintextPolcy'],
      [{ maxMessageAgeMs: 0 }, 'maxMessageAgeMs'],
      [{ maxSealsPerKey: 2 ** 32 + 1 }, 'maxSealsPerKey'],
      [{ clockSkewToleranceMs: -1 }, 'clockSkewToleranceMs'],
      [{ authenticatedAttributes: ['qr-x'] }, 'authenticatedAttributes'],
      [{ authenticatedAttributes: ['a', 'a'] }, 'authenticatedAttributes'],
      [{ padding: 'pkcs7' }, 'padding'],
      [{ keyProvider, cryptoProvider: {} }, 'cryptoProvider'],
      [{ cryptoProvider: { encrypt() {}, decrypt() {} } }, 'keyProvider'],
      [{ plaintextAllowedUntil: 5 }, 'plaintextAllowedUntil'],
      [{ audience: 5 }, 'audience'],
    ]
    for (const [options, field] of wrong) {
      expect(() => messageCrypto(options as MessageCryptoOptions)).toThrow(
        expect.objectContaining({ code: 'Configuration', facts: { field } }),
      )
    }
  })

  it('that are weak together are warned of, once per queue (protocol.md 4.1, 7)', () => {
    const weak = recordedContext({ lockMs: 60_000, maxDeliveries: 10 })
    protectionOf({ plaintextPolicy: 'allow' }, weak)
    expect(weak.lines.map(({ text }) => text)).toEqual([
      expect.stringContaining('plaintextPolicy is allow'),
      expect.stringContaining('maxMessageAgeMs is shorter'),
    ])
    const strong = recordedContext({ lockMs: 30_000, maxDeliveries: 10 })
    protectionOf({ plaintextPolicy: 'reject' }, strong)
    expect(strong.lines).toEqual([])
  })
})
