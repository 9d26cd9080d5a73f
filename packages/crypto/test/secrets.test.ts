import { Console } from 'node:console'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { format, inspect } from 'node:util'
import { serialize } from 'node:v8'
import { createQueueClient, isQueueError, QueueError, type QueueProvider } from '@queue-runtime/core'
import type { IncomingMessage } from '@queue-runtime/core/provider'
import { createLeakFinder } from '@queue-runtime/leaks'
import { describe, expect, it, vi } from 'vitest'
import {
  aesGcmCryptoProvider,
  cachedKeyProvider,
  EncryptedMessage,
  EncryptionKey,
  envKeyProvider,
  fileKeyProvider,
  type KeyOptions,
  type KeyProvider,
  type MessageCryptoOptions,
  memoryNonceStore,
  messageCrypto,
  multiKeyProvider,
} from '../src/index.ts'
import { incoming, NOW, opened, protectionOf, type Recorded, recordedContext, utf8 } from './support.ts'

const ID = 'orders-1'
const MINUTE = 60_000
const secret = randomBytes(32)
const other = randomBytes(32)
const password = 'Endpoint=sb://orders;SharedAccessKey=hunter2-correct-horse'
const body = utf8('["DE89370400440532013000 Erika Mustermann"]')

const NEVER_SHOWN = [secret, other, utf8(password)].map(createLeakFinder)
const findBody = createLeakFinder(body)

const keyOf = (options: KeyOptions = {}, bytes = secret): EncryptionKey => EncryptionKey.fromBytes(ID, bytes, options)
const keysOf = (key = keyOf()): KeyProvider => multiKeyProvider({ keys: [key] })
const message = { body, messageId: 'm-1', sessionId: 's-1' }

const attempt = (look: () => unknown): string => {
  try {
    return String(look())
  } catch (error) {
    return format(error)
  }
}

/** What the console prints of a value. */
const printed = (value: unknown): string => {
  let text = ''
  const stream = new Writable({
    write(chunk, _, done) {
      text += String(chunk)
      done()
    },
  })
  const terminal = new Console(stream)
  terminal.log(value)
  terminal.error('%o %O %j %s', value, value, value, value)
  terminal.dir(value, { depth: null })
  return text
}

/** What logs, debuggers and other threads see of a value. */
const shownOf = (value: unknown): string[] => [
  printed(value),
  attempt(() => inspect(value, { depth: null, showHidden: true, getters: true, maxStringLength: null })),
  attempt(() => JSON.stringify(value)),
  attempt(() => value),
  attempt(() => (value instanceof Error ? `${value.stack} ${inspect(value.cause)}` : '')),
]

/** What is seen where nobody asks how an object wants to be shown. Of a message that is its body, too. */
const strippedOf = (value: unknown): string[] => [
  attempt(() => inspect(value, { depth: null, showHidden: true, customInspect: false, maxArrayLength: null })),
  attempt(() => inspect(structuredClone(value), { depth: null, showHidden: true, customInspect: false })),
  attempt(() => serialize(value).toString('latin1')),
]

const assertSilent = (values: readonly unknown[]): void => {
  for (const value of values) {
    const shown = shownOf(value)
    for (const text of [...shown, ...strippedOf(value)]) expect(NEVER_SHOWN.flatMap((find) => find(text))).toEqual([])
    for (const text of shown) expect(findBody(text)).toEqual([])
  }
}

/** What a call threw or rejected with. */
const thrownBy = async (call: () => unknown): Promise<unknown> => {
  try {
    await call()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

const codeOf = (error: unknown): unknown => (isQueueError(error) ? error.code : error)

const outputOf = ({ lines, counts, measures }: Recorded): unknown[] => [lines, counts, measures]

const protection = (options: MessageCryptoOptions = {}, recorded = recordedContext()) =>
  protectionOf({ keyProvider: keysOf(), ...options }, recorded)

const sealed = async (): Promise<Uint8Array> => (await protection().protection.protect(message, {})).body

/** Reads a message that is refused, and returns why, with all that was written down about it. */
const refusalOf = async (
  change: (bytes: Uint8Array) => Uint8Array,
  options: MessageCryptoOptions = {},
  laterMs = 0,
): Promise<{ code: unknown; values: unknown[] }> => {
  const parts = protection(options)
  await parts.clock.advance(laterMs)
  const delivery = incoming(change(await sealed()), { sessionId: 's-1' })
  const [result] = await parts.protection.unprotect([delivery], { purpose: 'deliver' })
  if (result === undefined || !('error' in result)) throw new Error('opened, though it should have been refused')
  return { code: result.error.code, values: [result, result.error, ...outputOf(parts)] }
}

const same = (bytes: Uint8Array): Uint8Array => bytes
const flip =
  (at: number) =>
  (bytes: Uint8Array): Uint8Array =>
    bytes.map((byte, index) => (index === (at + bytes.length) % bytes.length ? byte ^ 1 : byte))
const throwing = (error: unknown): KeyProvider => ({
  getKey: () => Promise.reject(error),
  currentKeyId: () => Promise.reject(error),
})
const disposed = (): EncryptionKey => {
  const key = keyOf()
  key.dispose()
  return key
}
const failing = new Error(`${password} ${secret.toString('base64')} ${Buffer.from(body)}`)
const failingStore = { ...memoryNonceStore(), claim: () => Promise.reject(failing) }
const failingCipher = { encrypt: () => Promise.reject(failing), decrypt: () => Promise.reject(failing) }
const at = (minutes: number): Date => new Date(NOW + minutes * MINUTE)

describe('the search for leaks', () => {
  it('looks at all that an object holds', () => {
    const hidden = Object.defineProperty({ toJSON: () => 'nothing', [inspect.custom]: () => 'nothing' }, 'bytes', {
      value: secret,
      enumerable: false,
    })
    for (const value of [secret, { deep: [{ secret }] }, hidden, failing, new Map([[1, secret.toString('hex')]])]) {
      expect(() => assertSilent([value])).toThrow()
    }
    expect(() => assertSilent([{ body: Buffer.from(body).toString() }])).toThrow()
  })
})

describe('no key, body or credential is in what is printed, logged, measured or thrown (A31, X19, X20, attack 40)', () => {
  it('by keys, providers, protections and sealed bodies', async () => {
    const key = keyOf({ createdAt: at(0), expiresAt: at(60) })
    const keyProvider = multiKeyProvider({ keys: [key] })
    const cipher = aesGcmCryptoProvider(keyProvider)
    const cache = cachedKeyProvider(keyProvider, { logger: false })
    const crypto = messageCrypto({ enabled: true, keyProvider, plaintextPolicy: 'reject' })
    const parts = protection({ keyProvider, padding: 'padme', nonceStore: memoryNonceStore() })
    const result = await parts.protection.protect(message, {})
    const parsed = EncryptedMessage.fromBytes(result.body)
    const [read] = await parts.protection.unprotect([incoming(result.body, { sessionId: 's-1' })], {
      purpose: 'deliver',
    })
    expect(Buffer.from(opened(read).body).equals(body)).toBe(true)
    assertSilent([key, await cache.getKey(ID), keyProvider, cipher, cache, crypto, parts.protection, result, parsed])
    assertSilent([...outputOf(parts), opened(read).seal, opened(read).claim, disposed()])
    expect(parts.lines.length).toBeGreaterThan(1)
    expect(parts.measures.map(({ name }) => name)).toContain('queue_crypto_key_created_timestamp')
  })

  it('by any refusal of a message', async () => {
    const refusals = [
      await refusalOf(flip(-1)),
      await refusalOf(flip(50)),
      await refusalOf(same, { keyProvider: keysOf(keyOf({}, other)) }),
      await refusalOf((bytes) => bytes.subarray(0, 40)),
      await refusalOf(flip(4)),
      await refusalOf(() => body),
      await refusalOf(same, {}, 6 * MINUTE),
      await refusalOf(same, {}, -2 * MINUTE),
      await refusalOf(same, { keyProvider: keysOf(EncryptionKey.fromBytes('another', other)) }),
      await refusalOf(same, { keyProvider: keysOf(keyOf({ expiresAt: at(-9) })) }),
      await refusalOf(same, { keyProvider: keysOf(keyOf({ notBefore: at(9) })) }),
      await refusalOf(same, { keyProvider: keysOf(disposed()) }),
      await refusalOf(same, { keyProvider: throwing(failing) }),
      await refusalOf(same, { keyProvider: throwing(new QueueError('KeyDisabled', 'The key is disabled.')) }),
      await refusalOf(same, { keyProvider: undefined, enabled: undefined }),
      await refusalOf(same, { cryptoProvider: failingCipher }),
      await refusalOf(same, { nonceStore: failingStore }),
      await refusalOf(same, { nonceStore: { ...memoryNonceStore(), claim: async () => ['completed'] } }),
    ]
    for (const { values } of refusals) assertSilent(values)
    expect(new Set(refusals.map(({ code }) => code))).toEqual(
      new Set([
        'AuthenticationFailed',
        'InvalidEnvelope',
        'UnsupportedVersion',
        'UnencryptedMessage',
        'MessageExpired',
        'MessageFromFuture',
        'KeyNotFound',
        'KeyExpired',
        'KeyNotYetValid',
        'KeyDisposed',
        'KeyProviderError',
        'KeyDisabled',
        'KeyProviderMissing',
        'NonceStoreUnavailable',
        'NonceReused',
      ]),
    )
  })

  it('by any refusal to seal', async () => {
    const options: readonly MessageCryptoOptions[] = [
      { keyProvider: throwing(failing) },
      { keyProvider: keysOf(keyOf({ expiresAt: at(0) })) },
      { keyProvider: keysOf(keyOf({ notBefore: at(9) })) },
      { keyProvider: keysOf(disposed()) },
      { keyProvider: { getKey: async () => null, currentKeyId: async () => ID } },
      { maxCiphertextBytes: 5 },
      { cryptoProvider: failingCipher },
      { enabled: undefined },
    ]
    const refusals = options.map(async (given) => {
      const parts = protection(given)
      const error = await thrownBy(() => parts.protection.protect(message, {}))
      assertSilent([error, ...outputOf(parts)])
      return codeOf(error)
    })
    const once = protection({ maxSealsPerKey: 1 }).protection
    await once.protect(message, {})
    const overused = await thrownBy(() => once.protect(message, {}))
    assertSilent([overused])
    expect([...(await Promise.all(refusals)), codeOf(overused)]).toEqual([
      'KeyProviderError',
      'KeyExpired',
      'KeyNotYetValid',
      'KeyDisposed',
      'KeyNotFound',
      'MessageTooLarge',
      'EncryptionFailed',
      'Configuration',
      'KeyUsageLimitExceeded',
    ])
  })

  it('by a cache whose store is down, changes a key or is closed, on the console too', async () => {
    const recorded = recordedContext()
    const { clock } = recorded
    const state: { failure: unknown; bytes: Uint8Array } = { failure: undefined, bytes: secret }
    const ask = async <T>(answer: () => T): Promise<T> => {
      if (state.failure !== undefined) throw state.failure
      return answer()
    }
    const source: KeyProvider = {
      getKey: (keyId) => ask(() => EncryptionKey.fromBytes(keyId, state.bytes)),
      currentKeyId: () => ask(() => ID),
      validKeyIds: () => ask(() => [ID]),
    }
    const warned: string[] = []
    const write = (...given: unknown[]): void => void warned.push(format(...given))
    const spies = [
      vi.spyOn(console, 'warn').mockImplementation(write),
      vi.spyOn(console, 'error').mockImplementation(write),
    ]
    for (const logger of [recorded.context.logger, undefined]) {
      const cache = cachedKeyProvider(source, { clock, logger })
      Object.assign(state, { failure: undefined, bytes: secret })
      await cache.getKey(ID)
      state.bytes = other
      await clock.advance(6 * MINUTE)
      await cache.getKey(ID)
      state.failure = failing
      await clock.advance(6 * MINUTE)
      assertSilent([await cache.getKey(ID), cache])
      await clock.advance(70 * MINUTE)
      // Beneath a protection the error is one of ours; the cache alone passes on what the store threw.
      const parts = protection({ keyProvider: cache }, { ...recorded, context: { ...recorded.context, clock } })
      assertSilent([await thrownBy(() => parts.protection.protect(message, {}))])
      cache.revoke(ID)
      assertSilent([await thrownBy(() => cache.getKey(ID))])
      await cache.close()
      assertSilent([await thrownBy(() => cache.getKey(ID)), ...outputOf(recorded)])
    }
    for (const spy of spies) spy.mockRestore()
    assertSilent(warned)
    const told = inspect(recorded.lines, { depth: null })
    for (const text of [told, warned.join()]) expect(text).toMatch(/KeyMaterialChanged.*a cached answer is served/s)
  })

  it('by providers whose secrets are malformed', async () => {
    const malformed = [
      secret.toString('hex').slice(2),
      `${secret.toString('base64')}!`,
      secret.toString('base64').slice(1),
      `{"key":"${secret.toString('base64url')}"}`,
      Buffer.concat([secret, other]).toString('base64'),
    ]
    const directory = await mkdtemp(join(tmpdir(), 'keys-'))
    const files = fileKeyProvider({ directory })
    for (const text of malformed) {
      const env = envKeyProvider({ variables: { [ID]: 'KEY' }, current: ID, env: { KEY: text } })
      await writeFile(join(directory, ID), text)
      for (const provider of [env, files]) {
        const error = await thrownBy(() => provider.getKey(ID))
        expect(codeOf(error)).toBe('InvalidKeyLength')
        assertSilent([error, provider])
        const parts = protection({ keyProvider: { ...provider, currentKeyId: async () => ID } })
        assertSilent([await thrownBy(() => parts.protection.protect(message, {})), ...outputOf(parts)])
      }
    }
    await writeFile(join(directory, 'current'), secret.toString('base64'))
    const parts = protection({ keyProvider: files })
    assertSilent([await thrownBy(() => parts.protection.protect(message, {})), ...outputOf(parts)])
    await rm(directory, { recursive: true })
  })

  it('by checks of options that were given a key where none belongs', async () => {
    const text = secret.toString('base64')
    const misplaced: readonly (() => unknown)[] = [
      () => EncryptionKey.fromBytes(text, secret),
      () => EncryptionKey.fromBytes(ID, text as never),
      () => EncryptionKey.fromBytes(ID, secret.subarray(1)),
      () => EncryptionKey.fromBytes(ID, secret, { expiresAt: text as never }),
      () => multiKeyProvider({ keys: [secret as never] }),
      () => multiKeyProvider({ keys: [keyOf()], current: text }),
      () => messageCrypto({ enabled: true, keyProvider: text as never }),
      () => messageCrypto({ keyProvider: keysOf(), audience: secret as never }),
      () => envKeyProvider({ variables: { [text]: 'KEY' }, current: text }),
      () => cachedKeyProvider(secret as never),
      () => cachedKeyProvider(keysOf(), { keyIds: [text] }),
      () => fileKeyProvider({ directory: '/', currentFile: text }),
    ]
    const errors = await Promise.all(misplaced.map(thrownBy))
    assertSilent(errors)
    expect(new Set(errors.map(codeOf))).toEqual(new Set(['Validation', 'Configuration', 'InvalidKeyLength']))
  })

  it('by a client, its messages and what it refuses', async () => {
    const recorded = recordedContext()
    const deliveries: IncomingMessage[] = []
    const settle = async (): Promise<void> => {}
    const provider: QueueProvider = {
      name: 'list',
      open: () => ({
        lockMs: undefined,
        features: { deliverAt: false, timeToLive: false, abandonDelay: true, sessionIds: 'allowed' },
        send: async (messages) =>
          messages.map((sent) => {
            deliveries.push(incoming(sent.body, { messageId: sent.messageId }))
            return { error: null }
          }),
        receive: async () =>
          deliveries.splice(0, 1).map((given) => ({
            message: given,
            complete: settle,
            abandon: settle,
            deadLetter: settle,
            renewLock: async () => given.lockedUntil,
          })),
        close: settle,
      }),
    }
    const rejections: unknown[] = []
    const client = createQueueClient({
      ...{ provider, queue: 'orders', clock: recorded.clock, logger: recorded.context.logger },
      crypto: messageCrypto({ enabled: true, keyProvider: keysOf(), plaintextPolicy: 'reject' }),
      onRejected: (rejected) => void rejections.push(rejected),
    })
    await client.send({ body })
    const received = await client.receive({ waitMs: 0 })
    expect(received?.json()).toEqual([expect.stringContaining('Mustermann')])
    await client.send({ body: body.slice(2) })
    const broken = await client.receive({ waitMs: 0 })
    const notJson = await thrownBy(() => broken?.json())
    deliveries.push(incoming(body), incoming(flip(-1)(await sealed())))
    expect((await client.receiveBatch({ waitMs: 0 })).rejected).toHaveLength(2)
    const unsent = await thrownBy(() => client.send({ body, messageId: 'not an id' }))
    assertSilent([client, received, notJson, unsent, rejections, ...outputOf(recorded)])
    expect(rejections).toHaveLength(2)
    expect(codeOf(notJson)).toBe('InvalidBody')
    await client.close()
  })
})
