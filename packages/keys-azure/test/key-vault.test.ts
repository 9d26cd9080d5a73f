import { randomBytes } from 'node:crypto'
import { fakeClock } from '@queue-runtime/core/testing'
import type { KeyProvider } from '@queue-runtime/crypto'
import { denied, type KeyVault, startKeyVault, throttled, unavailable } from '@queue-runtime/key-vault-emulator'
import {
  createKey,
  type KeyVaultKeyOptions,
  keyVaultKeyProvider,
  promoteKey,
  retireKey,
} from '@queue-runtime/keys-azure'
import type { Answer, Fault } from '@queue-runtime/local-server'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { clientOf, credential } from './support.ts'

const START = Date.UTC(2026, 10, 1)
const SECOND = 1_000

let vault: KeyVault
let clock: ReturnType<typeof fakeClock>
beforeEach(async () => {
  clock = fakeClock(START)
  vault = await startKeyVault({ tls: ['localhost'], now: () => clock.now() })
})
afterEach(() => vault.close())

const store = (options: KeyVaultKeyOptions = {}): KeyVaultKeyOptions => ({ client: clientOf(vault), clock, ...options })
const provider = (options: KeyVaultKeyOptions = {}): KeyProvider => keyVaultKeyProvider(store(options))
const keyText = (): string => randomBytes(32).toString('base64')
const put = (name: string, value = keyText(), tags: Record<string, string> = { 'queue-runtime-key': name }) =>
  vault.vault.put(name, { value, tags }).version

/** Lets time pass until the work is done. */
const during = async <T>(work: Promise<T>): Promise<T> => {
  let isOver = false
  const done = work.finally(() => {
    isOver = true
  })
  done.catch(() => {})
  while (!isOver) await clock.advance(SECOND)
  return done
}

describe('a key in Key Vault', () => {
  it.each([
    ['no base64', 'not a key at all'],
    ['too short', randomBytes(31).toString('base64')],
    ['too long', randomBytes(48).toString('base64')],
    ['JSON', JSON.stringify({ key: keyText() })],
    ['empty', ''],
  ])('that is %s is InvalidKeyLength, which names the id and not the value (KA1)', async (_, value) => {
    put('orders-1', value)
    const error: Error = await provider()
      .getKey('orders-1')
      .then(
        () => new Error('a key'),
        (thrown: Error) => thrown,
      )
    expect(error).toMatchObject({ code: 'InvalidKeyLength' })
    expect(error.message).toContain('orders-1')
    if (value !== '') expect(`${error.message}${error.stack}`).not.toContain(value)
  })

  it('stays the oldest version of its secret, whatever is written there later (KA2)', async () => {
    const first = put('orders-1')
    await clock.advance(SECOND)
    put('orders-1', 'something else')
    expect((await provider().getKey('orders-1'))?.createdAt).toEqual(new Date(START))
    vault.vault.change(first, { tags: undefined, attributes: { enabled: false } })
    await expect(provider().getKey('orders-1')).rejects.toMatchObject({ code: 'KeyDisabled' })
  })

  it('is spelled in one way only, though Key Vault does not mind (KA2)', async () => {
    put('orders-1')
    expect(await provider().getKey('ORDERS-1')).toBeNull()
    expect(await provider({ keyIds: ['ORDERS-1'] }).getKey('ORDERS-1')).toBeNull()
  })

  it('may be expired or not begun: Key Vault serves it, and the key knows (KA3, X18)', async () => {
    const [nbf, exp] = [START / 1_000 - 20, START / 1_000 - 10]
    vault.vault.put('orders-1', { value: keyText(), attributes: { nbf, exp } })
    expect(await provider().getKey('orders-1')).toMatchObject({
      notBefore: new Date(nbf * 1_000),
      expiresAt: new Date(exp * 1_000),
    })
    vault.vault.put('orders-2', { value: keyText(), attributes: { nbf: exp, exp: nbf } })
    await expect(provider().getKey('orders-2')).rejects.toMatchObject({ code: 'KeyDisabled' })
  })

  it('is found under another name where a function says so, and nowhere else (KA2)', async () => {
    const secretName = (keyId: string): string | null => (keyId.startsWith('shop.') ? `shop-${keyId.slice(5)}` : null)
    put('shop-1', keyText(), { 'queue-runtime-key': 'shop.1' })
    put('other-1')
    const keys = provider({ secretName })
    expect((await keys.getKey('shop.1'))?.id).toBe('shop.1')
    expect(await keys.validKeyIds?.()).toEqual(['shop.1'])
    const before = vault.calls.length
    for (const keyId of ['other-1', 'shop.current/encryption', 'current-encryption-key']) {
      expect(await keys.getKey(keyId)).toBeNull()
    }
    expect(vault.calls.length).toBe(before)
  })

  it('is deleted, and can be recovered: it is not there', async () => {
    put('orders-1')
    await clientOf(vault).beginDeleteSecret('orders-1')
    expect(await provider().getKey('orders-1')).toBeNull()
    await expect(during(createKey(store(), { keyId: 'orders-1' }))).rejects.toMatchObject({ code: 'KeyDisabled' })
  })
})

describe('where listing is denied, configured ids', () => {
  it('are the list, and keys are read with the permission to get alone (X14, KA3)', async () => {
    put('orders-1')
    vault.vault.put('current-encryption-key', { value: 'orders-1' })
    vault.inject(({ operation }) => (operation === 'GetSecret' ? undefined : { kind: 'answer', ...denied }))
    await expect(provider().validKeyIds?.()).rejects.toMatchObject({ code: 'KeyProviderError' })
    const keys = provider({ keyIds: ['orders-1', 'orders-2'] })
    vault.inject(({ operation }) =>
      operation === 'GetSecret' || operation === 'Challenge' ? undefined : { kind: 'answer', ...denied },
    )
    expect(await keys.validKeyIds?.()).toEqual(['orders-1', 'orders-2'])
    expect((await keys.getKey('orders-1'))?.id).toBe('orders-1')
    expect(await keys.getKey('orders-2')).toBeNull()
    expect(await keys.currentKeyId()).toBe('orders-1')
    const before = vault.calls.length
    expect(await keys.getKey('orders-3')).toBeNull()
    expect(vault.calls.length).toBe(before)
  })
})

describe('the current key', () => {
  it.each([
    ['a key', keyText()],
    ['no id', 'orders/1'],
    ['nothing', ''],
  ])('is unknown where the pointer holds %s, which is not told', async (_, value) => {
    vault.vault.put('current-encryption-key', { value })
    const error: Error = await provider()
      .currentKeyId()
      .then(
        () => new Error('an id'),
        (thrown: Error) => thrown,
      )
    expect(error).toMatchObject({ code: 'KeyProviderError', isTransient: true })
    if (value !== '') expect(error.message).not.toContain(value)
  })

  it('is unknown where there is no pointer, or where it is disabled', async () => {
    await expect(provider().currentKeyId()).rejects.toThrow('There is no secret current-encryption-key.')
    vault.vault.put('current-encryption-key', { value: 'orders-1', attributes: { enabled: false } })
    await expect(provider().currentKeyId()).rejects.toThrow('The secret current-encryption-key is disabled.')
  })

  it('is the newest version that is enabled, begun, not expired and not pending (KA3)', async () => {
    const at = START / 1_000
    const add = (created: number, more: object = {}, tags = {}) =>
      vault.vault.put('orders', { value: keyText(), tags, attributes: { created: at + created, ...more } }).version
    const keys = provider({ secret: 'orders' })
    await expect(keys.currentKeyId()).rejects.toMatchObject({ code: 'KeyProviderError' })
    add(-9)
    const right = add(-8)
    add(-7, { enabled: false })
    add(-6, { exp: at })
    add(-5, { nbf: at + 5 })
    add(-4, {}, { 'queue-runtime-state': 'pending' })
    expect(await keys.currentKeyId()).toBe(`orders:${right.version}`)
    await clock.advance(5 * SECOND)
    expect(await keys.currentKeyId()).not.toBe(`orders:${right.version}`)
    expect(await keys.validKeyIds?.()).toHaveLength(6)
  })
})

describe('what goes wrong at Key Vault', () => {
  const answer = (what: Answer): Fault => ({ kind: 'answer', ...what })

  it.each<readonly [what: string, fault: Fault, text: string, retryAfterMs: number | undefined]>([
    ['a denied identity', answer(denied), 'Key Vault denies the identity this operation.', undefined],
    [
      'a firewall',
      answer({ status: 403, body: { error: { code: 'Forbidden', innererror: { code: 'ForbiddenByFirewall' } } } }),
      'Key Vault denies the identity this operation.',
      undefined,
    ],
    ['throttling', answer(throttled(7)), 'Key Vault asks to slow down.', 7_000],
    ['throttling without a hint', answer(throttled()), 'Key Vault asks to slow down.', undefined],
    ['a 503', answer(unavailable), 'Key Vault failed.', undefined],
    [
      'a 500 that is no JSON',
      answer({ status: 500, headers: { 'content-type': 'text/html' } }),
      'Key Vault failed.',
      undefined,
    ],
    [
      'a 404 of something in between',
      answer({ status: 404, body: { error: { code: 'NotFound' } } }),
      'Key Vault failed.',
      undefined,
    ],
    ['a cut connection', { kind: 'cut', when: 'before' }, 'Key Vault cannot be reached.', undefined],
    ['half an answer', { kind: 'cut', when: 'amid' }, 'Key Vault cannot be reached.', undefined],
  ])(
    '%s is told as it is: KeyProviderError, transient, with the wait it asks for (KA4)',
    async (_, fault, text, retryAfterMs) => {
      put('orders-1')
      vault.inject(({ operation }) => (operation === 'Challenge' ? undefined : fault))
      for (const keys of [provider(), provider({ secret: 'orders' })]) {
        const calls = [
          keys.currentKeyId(),
          keys.validKeyIds?.(),
          keys.getKey(`orders:${'0'.repeat(32)}`),
          keys.getKey('orders-1'),
        ]
        const outcomes = await Promise.allSettled(calls)
        const failed = outcomes.filter(({ status }) => status === 'rejected')
        expect(failed).toHaveLength(3)
        for (const { reason } of failed as PromiseRejectedResult[]) {
          expect(reason).toMatchObject({ code: 'KeyProviderError', isTransient: true, message: text, retryAfterMs })
        }
      }
    },
  )

  it('a rejected token, and a credential that has none, are told apart from a denied identity, without their text (KA4)', async () => {
    vault.refusedTokens.add('a-token')
    const rejected = 'Key Vault rejects the credential, or there is none.'
    await expect(provider().getKey('orders-1')).rejects.toMatchObject({ code: 'KeyProviderError', message: rejected })
    const broken = {
      getToken: () => Promise.reject(Object.assign(new Error('secret=abc'), { name: 'CredentialUnavailableError' })),
    }
    await expect(provider({ client: clientOf(vault, broken) }).getKey('orders-1')).rejects.toThrow(rejected)
  })

  it('an authority that nobody knows, and a vault that is not there, cannot be reached (KA4, SC1)', async () => {
    const [vaultUrl, unreachable] = [vault.origin, 'Key Vault cannot be reached.']
    await expect(keyVaultKeyProvider({ vaultUrl, credential: credential() }).getKey('orders-1')).rejects.toThrow(
      unreachable,
    )
    await vault.down()
    await expect(provider().getKey('orders-1')).rejects.toThrow(unreachable)
  })

  it('an answer that does not come is waited for as long as the option says', async () => {
    vault.inject(() => ({ kind: 'stall' }))
    await expect(provider({ timeoutMs: 30 }).getKey('orders-1')).rejects.toThrow(
      'Key Vault did not answer within 30 ms.',
    )
  })

  it('an idle connection that was closed meanwhile is no outage', async () => {
    const keys = provider()
    put('orders-1')
    await keys.getKey('orders-1')
    await vault.down()
    await vault.up()
    expect((await keys.getKey('orders-1'))?.id).toBe('orders-1')
  })
})

describe('the options', () => {
  const client = {} as never
  it.each<readonly [string, unknown]>([
    ['vaultUrl', { credential: credential() }],
    ['vaultUrl', { vaultUrl: 'http://orders.vault.azure.net', credential: credential() }],
    ['vaultUrl', { vaultUrl: 'https://user:word@orders.vault.azure.net', credential: credential() }],
    ['credential', { vaultUrl: 'https://orders.vault.azure.net' }],
    ['credential', { vaultUrl: 'https://orders.vault.azure.net', credential: {} }],
    ['client', { client }],
    ['pointer', { pointer: 'a.b' }],
    ['secret', { secret: 'a.b' }],
    ['secret', { secret: 'a'.repeat(96) }],
    ['keyIds', { keyIds: ['a/b'] }],
    ['timeoutMs', { timeoutMs: 0 }],
    ['clock', { clock: {} }],
    ['vaultURL', { vaultURL: 'x' }],
  ])('are checked at once: %s (C23, E3)', (field, options) => {
    expect(() => keyVaultKeyProvider(options as KeyVaultKeyOptions)).toThrow(
      expect.objectContaining({ code: 'Configuration', facts: { field } }),
    )
  })

  it.each(['vaultUrl', 'credential'])('know one client: not %s beside it (C23)', (field) => {
    const beside = { vaultUrl: vault.origin, credential: credential() }
    const options = { client: clientOf(vault), [field]: Reflect.get(beside, field) }
    expect(() => keyVaultKeyProvider(options)).toThrow(expect.objectContaining({ facts: { field } }))
  })

  it.each(['secretName', 'pointer'])('know one layout: not %s beside secret (C23)', (field) => {
    const options = store({ secret: 'orders', [field]: field === 'pointer' ? 'a' : () => null })
    expect(() => keyVaultKeyProvider(options)).toThrow(expect.objectContaining({ facts: { field } }))
  })
})

describe('createKey, promoteKey, retireKey', () => {
  it('let nobody read a key before it is decided which of two in the same second it is', async () => {
    const slow = clientOf(vault)
    const write = slow.setSecret.bind(slow)
    let let_ = (): void => {}
    const gate = new Promise<void>((resolve) => {
      let_ = resolve
    })
    let waits = false
    slow.setSecret = async (...given) => {
      waits = true
      await gate
      return write(...given)
    }
    const second = createKey(store({ client: slow }), { keyId: 'orders-1' })
    await expect.poll(() => waits).toBe(true)
    const first = createKey(store(), { keyId: 'orders-1' })
    await expect.poll(() => vault.vault.find('orders-1')?.versions.length).toBe(1)
    await expect(provider().getKey('orders-1')).rejects.toMatchObject({ code: 'KeyDisabled' })
    let_()
    await expect.poll(() => vault.vault.find('orders-1')?.versions.length).toBe(2)
    expect(await during(Promise.all([first, second]))).toEqual([{ keyId: 'orders-1' }, { keyId: 'orders-1' }])
    const enabled = vault.vault.find('orders-1')?.versions.filter((version) => version.enabled)
    expect(enabled).toHaveLength(1)
    expect((await provider().getKey('orders-1'))?.createdAt).toEqual(new Date(START))
  })

  it('write the dates of a key, and those of its retirement', async () => {
    const [notBefore, expiresAt] = [new Date(START - 5 * SECOND), new Date(START + 90_000 * SECOND)]
    await during(createKey(store(), { keyId: 'orders-1', notBefore, expiresAt }))
    await during(createKey(store(), { keyId: 'orders-2' }))
    expect(await promoteKey(store(), { keyId: 'orders-1' })).toEqual({ keyId: 'orders-1', previousKeyId: undefined })
    expect(await promoteKey(store(), { keyId: 'orders-2' })).toEqual({ keyId: 'orders-2', previousKeyId: 'orders-1' })
    expect(await promoteKey(store(), { keyId: 'orders-2' })).toEqual({ keyId: 'orders-2', previousKeyId: undefined })
    expect(await provider().getKey('orders-1')).toMatchObject({ notBefore, expiresAt })
    const report = await retireKey(store(), { keyId: 'orders-1', messageLifeMs: 60 * SECOND })
    const end = new Date(clock.now() + 7_200_000)
    expect(report).toEqual({ keyId: 'orders-1', expiresAt: end, removableAt: new Date(end.getTime() + 60 * SECOND) })
    expect((await provider().getKey('orders-1'))?.expiresAt).toEqual(end)
  })

  it('go one way where versions are keys', async () => {
    const versions = store({ secret: 'orders' })
    const { keyId: first } = await during(createKey(versions))
    await promoteKey(versions, { keyId: first })
    await clock.advance(SECOND)
    const { keyId: second } = await during(createKey(versions))
    await promoteKey(versions, { keyId: second })
    await expect(promoteKey(versions, { keyId: first })).rejects.toMatchObject({ code: 'Validation' })
    expect(await keyVaultKeyProvider(versions).currentKeyId()).toBe(second)
    await expect(createKey(versions, { keyId: 'orders:1' })).rejects.toMatchObject({ facts: { field: 'keyId' } })
  })

  it('refuse keys that are not there, disabled, expired or not begun, and the current one', async () => {
    await expect(promoteKey(store(), { keyId: 'orders-9' })).rejects.toMatchObject({ code: 'KeyNotFound' })
    const at = START / 1_000
    vault.vault.put('expired', { value: keyText(), attributes: { exp: at } })
    vault.vault.put('early', { value: keyText(), attributes: { nbf: at + 9 } })
    vault.vault.put('disabled', { value: keyText(), attributes: { enabled: false } })
    for (const [keyId, code] of [
      ['expired', 'KeyExpired'],
      ['early', 'KeyNotYetValid'],
      ['disabled', 'KeyDisabled'],
    ] as const) {
      await expect(promoteKey(store(), { keyId })).rejects.toMatchObject({ code })
    }
    await expect(during(createKey(store(), { keyId: 'disabled' }))).rejects.toMatchObject({ code: 'KeyDisabled' })
    expect(vault.vault.find('disabled')?.versions[0]?.enabled).toBe(false)
    const late = new Date(Date.UTC(2038, 1, 1))
    await expect(createKey(store(), { keyId: 'a', expiresAt: late })).rejects.toMatchObject({ code: 'Configuration' })
    await expect(createKey(store())).rejects.toMatchObject({ facts: { field: 'keyId' } })
  })

  it('retire nothing while it is unknown which key is current', async () => {
    await during(createKey(store(), { keyId: 'orders-1' }))
    await promoteKey(store(), { keyId: 'orders-1' })
    vault.inject(({ subject }) =>
      subject === 'current-encryption-key' ? { kind: 'answer', ...unavailable } : undefined,
    )
    await expect(retireKey(store(), { keyId: 'orders-1', messageLifeMs: 0 })).rejects.toMatchObject({
      code: 'KeyProviderError',
    })
    expect((await provider().getKey('orders-1'))?.expiresAt).toBeUndefined()
  })
})
