import { inspect } from 'node:util'
import { QueueError } from '@queue-runtime/core'
import { describe, expect, it, vi } from 'vitest'
import {
  aesGcmCryptoProvider,
  type MessageCryptoOptions,
  memoryNonceStore,
  messageCrypto,
  multiKeyProvider,
  type NonceClaimAnswer,
  type NonceStore,
} from '../src/index.ts'
import { incoming, key, NOW, opened, protectionOf, recordedContext, refused, utf8 } from './support.ts'

const minutes = (count: number): number => count * 60_000
const deliver = { purpose: 'deliver' } as const
const keyProvider = multiKeyProvider({ keys: [key('test-key-1')] })

/** A store that answers as it is told. */
const scriptedStore = (...answers: readonly NonceClaimAnswer[]) => {
  const given = answers.values()
  return {
    claim: vi.fn<NonceStore['claim']>(async (requests) => requests.map(() => given.next().value ?? 'granted')),
    renew: vi.fn<NonceStore['renew']>(async () => 'ok'),
    confirm: vi.fn<NonceStore['confirm']>(async () => 'ok'),
    release: vi.fn<NonceStore['release']>(async () => 'ok'),
  }
}

const setUp = (nonceStore: NonceStore, options: MessageCryptoOptions = {}, recorded = recordedContext()) => {
  const parts = protectionOf({ nonceStore, keyProvider, ...options }, recorded)
  return {
    ...parts,
    /** An envelope of a message of that id, sealed now. */
    seal: async (messageId = 'm-1', deliverAt?: Date) =>
      (await parts.protection.protect({ body: utf8('{"amount":12}'), messageId, deliverAt }, {})).body,
    /** What becomes of one delivery. */
    one: async (body: Uint8Array, fields: Parameters<typeof incoming>[1] = {}) =>
      (await parts.protection.unprotect([incoming(body, fields)], deliver))[0],
  }
}

/** The claim that one delivery was granted. */
const granted = async (...[store, options]: Parameters<typeof setUp>) => {
  const parts = setUp(store, options)
  const { claim } = opened(await parts.one(await parts.seal()))
  if (claim === null) throw new Error('there is no claim')
  return { ...parts, claim }
}

describe('what is asked of the nonce store (protocol.md 5)', () => {
  it('is one call for a batch, with the time that is left of each lock', async () => {
    const store = scriptedStore()
    const { protection, seal } = setUp(store)
    const bodies = [await seal('a'), await seal('b')]
    const lockedUntil = new Date(NOW + minutes(12 * 60))
    const messages = bodies.map((body, index) =>
      incoming(body, { messageId: index === 0 ? 'a' : 'b', ...(index === 1 && { lockedUntil }) }),
    )
    const results = await protection.unprotect(messages, deliver)
    expect(results.map((result) => opened(result).claim)).toEqual([expect.anything(), expect.anything()])
    expect(store.claim).toHaveBeenCalledTimes(1)
    const token = expect.stringMatching(/^[A-Za-z0-9_-]{22}$/)
    const identity = { scope: 'orders', keyId: 'test-key-1', token, stale: false }
    expect(store.claim.mock.calls[0]?.[0]).toEqual([
      { ...identity, nonce: bodies[0]?.slice(14, 26), leaseMs: 29_750, retainMs: 600_000 },
      {
        ...identity,
        nonce: bodies[1]?.slice(14, 26),
        leaseMs: minutes(12 * 60) - 250,
        retainMs: minutes(12 * 60) - 250 + 60_000,
      },
    ])
  })

  it('names the scope and keeps to the times that were configured', async () => {
    const store = scriptedStore()
    const { one, seal } = setUp(store, { nonceScope: 'billing', nonceCacheTtlMs: 420_000 })
    await one(await seal())
    expect(store.claim.mock.calls[0]?.[0]).toMatchObject([{ scope: 'billing', retainMs: 420_000 }])
  })

  it('names the delivery: the same one when it is tried again, another one for a copy', async () => {
    const store = scriptedStore()
    const { protection, seal } = setUp(store)
    const body = await seal()
    const [held, copy] = [incoming(body), incoming(body)]
    for (const message of [held, held, copy]) await protection.unprotect([message], deliver)
    const [first, again, other] = store.claim.mock.calls.map(([requests]) => requests[0]?.token)
    expect([first === again, first === other]).toEqual([true, false])
  })

  it('does not hang on the bytes that arrived', async () => {
    const store = scriptedStore()
    const { one, seal } = setUp(store)
    const body = await seal()
    const { claim } = opened(await one(body))
    const nonce = body.slice(14, 26)
    body.fill(0)
    await claim?.confirm()
    expect(store.confirm.mock.calls[0]?.[0].nonce).toEqual(nonce)
  })

  it.each([
    [251, 1],
    [250, undefined],
    [0, undefined],
    [-5_000, undefined],
    [Number.NaN, undefined],
  ])('with %d ms of the lock left gives a lease of %s ms', async (leftMs, leaseMs) => {
    const store = scriptedStore()
    const { protection, seal } = setUp(store)
    const short = incoming(await seal(), { lockedUntil: new Date(NOW + leftMs) })
    const [result, other] = await protection.unprotect([short, incoming(await seal())], deliver)
    expect(opened(other).claim).not.toBeNull()
    const requests = store.claim.mock.calls[0]?.[0] ?? []
    if (leaseMs !== undefined) {
      expect(opened(result).claim).not.toBeNull()
      expect(requests.map((request) => request.leaseMs)).toEqual([leaseMs, 29_750])
      return
    }
    expect(requests).toHaveLength(1)
    const { error, disposition } = refused(result)
    expect([error.code, disposition]).toEqual(['MessageLockLost', { action: 'abandon', delayMs: 0 }])
  })

  it('is nothing before the tag was verified, so that a forgery burns no nonce (attack 20)', async () => {
    const store = memoryNonceStore({ clock: recordedContext().clock })
    const claim = vi.spyOn(store, 'claim')
    const { one, seal } = setUp(store)
    const body = await seal()
    const forged = body.map((byte, index) => (index === body.length - 1 ? byte ^ 1 : byte))
    expect(refused(await one(forged)).error.code).toBe('AuthenticationFailed')
    expect(claim).not.toHaveBeenCalled()
    expect(opened(await one(body)).body).toEqual(utf8('{"amount":12}'))
  })

  it('is nothing where the key may not open the message', async () => {
    const store = scriptedStore()
    const recorded = recordedContext()
    const body = await setUp(store, {}, recorded).seal()
    const openUntil = new Date(NOW + 10)
    await recorded.clock.advance(10)
    const retired = multiKeyProvider({ keys: [key('test-key-1', 0, { openUntil })] })
    expect(refused(await setUp(store, { keyProvider: retired }, recorded).one(body)).error.code).toBe('KeyExpired')
    expect(store.claim).not.toHaveBeenCalled()
  })

  it('is nothing for a dead letter that is read, nor for plaintext', async () => {
    const store = scriptedStore()
    const { protection, seal, one } = setUp(store, { plaintextPolicy: 'allow' })
    const [read] = await protection.unprotect([incoming(await seal())], { purpose: 'inspect' })
    expect([opened(read).claim, opened(await one(utf8('hello'))).claim]).toEqual([null, null])
    expect(store.claim).not.toHaveBeenCalled()
  })
})

describe('an answer of the nonce store', () => {
  it.each([
    ['granted', undefined, undefined],
    ['granted-again', undefined, undefined],
    ['in-flight', { code: 'NonceReused', facts: { state: 'in-flight' } }, { action: 'abandon', delayMs: 5_000 }],
    ['completed', { code: 'NonceReused', facts: { state: 'completed' } }, { action: 'complete' }],
    ['expired', { code: 'MessageExpired' }, { action: 'dead-letter', reason: 'qr.expired' }],
  ] as const)('%s becomes %j', async (answer, error, disposition) => {
    const { one, seal, lines, counts } = setUp(scriptedStore(answer))
    const result = await one(await seal())
    const received = lines.filter(({ text }) => text === 'Message received with encryption')
    expect(received).toHaveLength(error === undefined ? 1 : 0)
    if (error === undefined) return expect(opened(result).claim).not.toBeNull()
    expect(refused(result)).toMatchObject({ error: { ...error, queue: 'orders', messageId: 'm-1' }, disposition })
    const label = error.code === 'NonceReused' ? 'nonce_reused' : 'message_expired'
    const errors = counts.filter(({ name }) => name === 'queue_crypto_errors_total')
    expect(errors).toEqual([{ name: 'queue_crypto_errors_total', labels: { queue: 'orders', error_type: label } }])
  })

  it('about one message is not about another of the batch (X28)', async () => {
    const { protection, seal } = setUp(scriptedStore('granted', 'completed', 'granted'))
    const body = await seal()
    const messages = [
      incoming(body),
      incoming(utf8('QRE1')),
      incoming(await seal('other'), { messageId: 'other' }),
      incoming(body, { lockedUntil: new Date(NOW) }),
      incoming(await seal()),
    ]
    const results = await protection.unprotect(messages, deliver)
    expect(results.map((result) => ('error' in result ? result.error.code : 'opened'))).toEqual([
      'opened',
      'InvalidEnvelope',
      'NonceReused',
      'MessageLockLost',
      'opened',
    ])
  })

  it('that a message was handled is warned of; it may also be dead-lettered', async () => {
    const { one, seal, lines } = setUp(scriptedStore('completed'), { onReplay: 'dead-letter' })
    const { disposition } = refused(await one(await seal()))
    expect(disposition).toEqual({ action: 'dead-letter', reason: 'qr.replayed' })
    expect(lines.at(-1)).toMatchObject({
      level: 'warn',
      text: 'Message received that was handled before',
      fields: { queue_name: 'orders', message_id: 'm-1', key_id: 'test-key-1' },
    })
  })

  it('that refuses a message wipes what was opened', async () => {
    const plaintexts: Uint8Array[] = []
    const inner = aesGcmCryptoProvider(keyProvider, { clock: recordedContext().clock })
    const cryptoProvider: typeof inner = {
      ...inner,
      async decrypt(...parameters) {
        const plaintext = await inner.decrypt(...parameters)
        plaintexts.push(plaintext)
        return plaintext
      },
    }
    const { one, seal } = setUp(scriptedStore('in-flight'), { cryptoProvider })
    await one(await seal())
    expect(plaintexts).toEqual([new Uint8Array(13)])
  })
})

describe('a message that is too old (protocol.md 4, 5)', () => {
  it.each([
    [minutes(5), true, false],
    [minutes(5) + 1, true, true],
    [minutes(600), true, true],
    [minutes(600), false, false],
  ])(
    'by its age of %d ms, freshness validated: %s, is claimed as stale: %s',
    async (ageMs, validateFreshness, stale) => {
      const store = scriptedStore()
      const { one, seal, clock } = setUp(store, { validateFreshness })
      const body = await seal()
      await clock.advance(ageMs)
      opened(await one(body, { lockedUntil: new Date(clock.now() + 30_000) }))
      expect(store.claim.mock.calls[0]?.[0]).toMatchObject([{ stale }])
    },
  )

  it('is dead-lettered as such where the store does not know it', async () => {
    const recorded = recordedContext()
    const { one, seal } = setUp(memoryNonceStore({ clock: recorded.clock }), {}, recorded)
    const body = await seal()
    await recorded.clock.advance(minutes(5) + 1)
    const { error, disposition } = refused(await one(body, { lockedUntil: new Date(NOW + minutes(6)) }))
    expect(error).toMatchObject({ code: 'MessageExpired', facts: { encryptedAt: new Date(NOW), maxAgeMs: minutes(5) } })
    expect(disposition).toEqual({ action: 'dead-letter', reason: 'qr.expired' })
  })

  it('by a time that was edited is not authentic (attack 15)', async () => {
    const store = scriptedStore()
    const { one, seal } = setUp(store)
    const body = await seal()
    const view = new DataView(body.buffer, body.byteOffset)
    view.setBigInt64(6, BigInt(NOW - minutes(600)))
    expect(refused(await one(body)).error.code).toBe('AuthenticationFailed')
    expect(store.claim).not.toHaveBeenCalled()
  })

  it('or rather from the future, is refused before any key is fetched or the store asked', async () => {
    const store = scriptedStore()
    const getKey = vi.fn(async () => key('test-key-1'))
    const { one, seal } = setUp(store, { keyProvider: { getKey, currentKeyId: async () => 'test-key-1' } })
    const body = await seal('m-1', new Date(NOW + minutes(1) + 1))
    getKey.mockClear()
    expect(refused(await one(body)).error.code).toBe('MessageFromFuture')
    expect([getKey.mock.calls, store.claim.mock.calls]).toEqual([[], []])
  })
})

describe('a nonce store that is down', () => {
  const secret = 'redis://:hunter2@10.0.0.1'
  const failures: [string, NonceStore['claim']][] = [
    ['rejects', () => Promise.reject(new RangeError(secret))],
    [
      'throws',
      () => {
        throw new TypeError(secret)
      },
    ],
    ['rejects with an error of ours', () => Promise.reject(new QueueError('Timeout', secret))],
    ['gives too few answers', async () => []],
    ['gives too many answers', async (requests) => [...requests, 1].map(() => 'granted')],
    ['gives none', async () => undefined as never],
    ['gives an answer that is none', async (requests) => requests.map(() => 'ok' as never)],
    ['gives an answer that is inherited', async (requests) => requests.map(() => 'toString' as never)],
  ]
  it.each(failures)('because it %s hands over nothing, and holds what it was asked about', async (_, claim) => {
    const { protection, seal, lines } = setUp({ ...scriptedStore(), claim })
    const messages = [incoming(await seal()), incoming(utf8('QRE1')), incoming(await seal())]
    const [one, broken, other] = (await protection.unprotect(messages, deliver)).map(refused)
    for (const result of [one, other]) {
      expect(result).toMatchObject({ error: { code: 'NonceStoreUnavailable' }, disposition: { action: 'hold' } })
      expect(result?.error.isTransient).toBe(true)
      expect(inspect([result?.error, JSON.stringify(result?.error), lines], { depth: 9 })).not.toContain('hunter2')
    }
    expect(broken?.error.code).toBe('InvalidEnvelope')
  })

  it('says why, where the store says it with an error of ours', async () => {
    const { one, seal } = setUp(memoryNonceStore({ clock: recordedContext().clock, maxRecords: 1 }))
    opened(await one(await seal()))
    expect(refused(await one(await seal())).error.message).toBe('The nonce store is full: it holds 1 records.')
  })
})

describe('a claim', () => {
  it('is confirmed for as long as any clock may take a copy for fresh', async () => {
    const store = scriptedStore()
    const { claim, clock } = await granted(store)
    await clock.advance(20_000)
    await claim.confirm()
    expect(store.confirm.mock.calls).toEqual([[store.claim.mock.calls[0]?.[0][0], 600_000]])
  })

  it('of a message that is ahead of the clock, or of a large window, is remembered longer', async () => {
    const store = scriptedStore()
    const options = { maxMessageAgeMs: minutes(30), nonceCacheTtlMs: minutes(32) }
    const { one, seal, clock } = setUp(store, options)
    const { claim } = opened(await one(await seal('m-1', new Date(NOW + minutes(1)))))
    await clock.advance(10_000)
    await claim?.confirm()
    // Sealed for 60 s from now, fresh for 30 minutes, 2 minutes for the clocks; 10 s have passed.
    expect(store.confirm.mock.calls[0]?.[1]).toBe(60_000 + minutes(30) + minutes(2) - 10_000)
  })

  it.each(['ok', 'already'] as const)('is confirmed by the answer %s', async (answer) => {
    const { claim } = await granted({ ...scriptedStore(), confirm: async () => answer })
    await expect(claim.confirm()).resolves.toBeUndefined()
  })

  it('is released for as long as it would have lived', async () => {
    const store = scriptedStore()
    const { claim, clock } = await granted(store)
    await claim.release()
    await clock.advance(1_000)
    await claim.renew(new Date(clock.now() + minutes(60)))
    await claim.release()
    expect(store.release.mock.calls.map(([, retainMs]) => retainMs)).toEqual([600_000, minutes(61) - 250])
  })

  it('is renewed up to shortly before the lock ends', async () => {
    const store = scriptedStore()
    const { claim, clock } = await granted(store)
    await clock.advance(10_000)
    await claim.renew(new Date(clock.now() + 30_000))
    expect(store.renew.mock.calls).toEqual([[store.claim.mock.calls[0]?.[0][0], 29_750]])
    for (const end of [clock.now() + 250, Number.NaN]) {
      await expect(claim.renew(new Date(end))).rejects.toMatchObject({ code: 'MessageLockLost' })
    }
    expect(store.renew).toHaveBeenCalledTimes(1)
  })

  const operations = [
    ['confirm', 'confirm'],
    ['release', 'release'],
    ['renew', 'renew'],
  ] as const
  it.each(operations)('that is lost says so on %s', async (operation) => {
    const { claim, clock } = await granted({ ...scriptedStore(), [operation]: async () => 'lost' })
    const attempt = claim[operation](new Date(clock.now() + 30_000))
    await expect(attempt).rejects.toMatchObject({ code: 'MessageLockLost', queue: 'orders', messageId: 'm-1' })
  })

  it.each(operations)('says that the store is down on %s, and not in its words', async (operation) => {
    for (const failure of [() => Promise.reject(new Error('hunter2')), async () => 'perhaps']) {
      const { claim, clock } = await granted({ ...scriptedStore(), [operation]: failure })
      const error = await claim[operation](new Date(clock.now() + 30_000)).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'NonceStoreUnavailable', queue: 'orders', messageId: 'm-1' })
      expect(inspect(error)).not.toContain('hunter2')
    }
  })
})

describe('cancelling (QueueProtection)', () => {
  const reason = new Error('enough')

  it('after granting gives back what was granted, and only that', async () => {
    const stop = new AbortController()
    const store = scriptedStore('granted', 'in-flight', 'granted-again')
    const answer = store.claim.getMockImplementation() as NonceStore['claim']
    store.claim.mockImplementation(async (requests) => {
      stop.abort(reason)
      return answer(requests)
    })
    const { protection, seal } = setUp(store)
    const messages = [incoming(await seal()), incoming(await seal()), incoming(await seal())]
    await expect(protection.unprotect(messages, { ...deliver, signal: stop.signal })).rejects.toBe(reason)
    const [first, , third] = store.claim.mock.calls[0]?.[0] ?? []
    expect(store.release.mock.calls).toEqual([
      [first, 600_000],
      [third, 600_000],
    ])
  })

  it('waits for the release, and rejects with the reason though that fails', async () => {
    const stop = new AbortController()
    const asked = Promise.withResolvers<void>()
    const release = Promise.withResolvers<never>()
    const store: NonceStore = {
      ...scriptedStore(),
      claim: async (requests) => {
        stop.abort(reason)
        return requests.map(() => 'granted')
      },
      release: () => {
        asked.resolve()
        return release.promise
      },
    }
    const { protection, seal } = setUp(store)
    let isOver = false
    const call = protection.unprotect([incoming(await seal())], { ...deliver, signal: stop.signal })
    call
      .catch(() => {})
      .finally(() => {
        isOver = true
      })
    await asked.promise
    await new Promise((resolve) => setImmediate(resolve))
    expect(isOver).toBe(false)
    release.reject(new Error('down'))
    await expect(call).rejects.toBe(reason)
  })

  it('while the store fails rejects with the reason', async () => {
    const stop = new AbortController()
    const claim: NonceStore['claim'] = async () => {
      stop.abort(reason)
      throw new Error('down')
    }
    const { protection, seal } = setUp({ ...scriptedStore(), claim })
    const call = protection.unprotect([incoming(await seal())], { ...deliver, signal: stop.signal })
    await expect(call).rejects.toBe(reason)
  })

  it('before anything is claimed asks the store for nothing', async () => {
    const store = scriptedStore()
    const stop = new AbortController()
    const { protection, seal } = setUp(store)
    const messages = [incoming(await seal())]
    const call = protection.unprotect(messages, { ...deliver, signal: stop.signal })
    stop.abort(reason)
    await expect(call).rejects.toBe(reason)
    expect(store.claim).not.toHaveBeenCalled()
  })
})

describe('the options of the replay guard', () => {
  const nonceStore = memoryNonceStore()

  it('are checked at construction and named (C23)', () => {
    const wrong: [object, string][] = [
      [{ nonceStore: {} }, 'nonceStore'],
      [{ nonceStore: { ...nonceStore, release: undefined } }, 'nonceStore'],
      [{ nonceScope: '' }, 'nonceScope'],
      [{ nonceScope: 'a:b' }, 'nonceScope'],
      [{ nonceScope: 'a\n' }, 'nonceScope'],
      [{ nonceScope: 'a'.repeat(129) }, 'nonceScope'],
      [{ nonceCacheTtlMs: 0 }, 'nonceCacheTtlMs'],
      [{ onReplay: 'abandon' }, 'onReplay'],
      [{ nonceStore, nonceCacheTtlMs: 419_999 }, 'nonceCacheTtlMs'],
      [{ nonceStore, maxMessageAgeMs: 480_001 }, 'nonceCacheTtlMs'],
      [{ nonceStore, clockSkewToleranceMs: 150_001 }, 'nonceCacheTtlMs'],
    ]
    for (const [options, field] of wrong) {
      expect(() => messageCrypto(options as MessageCryptoOptions)).toThrow(
        expect.objectContaining({ code: 'Configuration', facts: { field } }),
      )
    }
    for (const options of [
      { nonceStore, nonceCacheTtlMs: 420_000, nonceScope: `${'a'.repeat(126)}_-` },
      { nonceStore, maxMessageAgeMs: 480_000 },
      { maxMessageAgeMs: 86_400_000 },
    ]) {
      messageCrypto(options)
    }
  })

  it('that let replays pass after the TTL are warned of', () => {
    const lax = recordedContext()
    setUp(nonceStore, { validateFreshness: false }, lax)
    expect(lax.lines.map(({ level, text }) => [level, text])).toEqual([
      ['warn', expect.stringContaining('validateFreshness is off')],
    ])
    const strict = recordedContext()
    setUp(nonceStore, {}, strict)
    expect(strict.lines).toEqual([])
  })
})
