import { randomBytes, randomUUID } from 'node:crypto'
import {
  DeleteSecretCommand,
  PutSecretValueCommand,
  type SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager'
import { fakeClock } from '@queue-runtime/core/testing'
import type { KeyProvider } from '@queue-runtime/crypto'
import {
  createKey,
  promoteKey,
  retireKey,
  type SecretsManagerKeyOptions,
  secretsManagerKeyProvider,
} from '@queue-runtime/keys-aws'
import type { Answer, Fault } from '@queue-runtime/local-server'
import {
  denied,
  type SecretsManager,
  type SecretsManagerOptions,
  startSecretsManager,
  throttled,
  unavailable,
  type Value,
} from '@queue-runtime/secrets-manager-emulator'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { clientOf, LOCAL } from './support.ts'

const START = Date.UTC(2026, 10, 1)
const SECOND = 1_000

let manager: SecretsManager
let client: SecretsManagerClient
let clock: ReturnType<typeof fakeClock>
const start = async (options: SecretsManagerOptions = {}): Promise<void> => {
  clock = fakeClock(START)
  manager = await startSecretsManager({ now: () => clock.now(), ...options })
  client = clientOf(manager)
}
beforeEach(() => start())
const stop = async (): Promise<void> => {
  client.destroy()
  await manager.close()
}
afterEach(stop)

const perKey = (options: SecretsManagerKeyOptions = {}): SecretsManagerKeyOptions => ({
  ...{ prefix: 'prod/orders', client, clock },
  ...options,
})
const versions = (): SecretsManagerKeyOptions => ({ secret: 'prod/orders', client, clock })
const provider = (options = perKey()): KeyProvider => secretsManagerKeyProvider(options)

const put = (name: string, value: Value = { binary: randomBytes(32).toString('base64') }) => {
  const secret = manager.store.find(name) ?? manager.store.create(name)
  manager.store.stage(secret, 'AWSCURRENT', manager.store.add(secret, value))
  return secret
}

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

const failure = (work: Promise<unknown>): Promise<Error> =>
  work.then(
    () => new Error('It should have failed.'),
    (error: Error) => error,
  )

describe('a key in Secrets Manager', () => {
  it.each<readonly [string, Value]>([
    ['no base64', { text: 'not a key at all' }],
    ['too short', { text: randomBytes(31).toString('base64') }],
    ['binary and too long', { binary: randomBytes(48).toString('base64') }],
    ['JSON, as the console makes it', { text: JSON.stringify({ key: randomBytes(32).toString('base64') }) }],
    ['empty', { text: '' }],
  ])('that is %s is InvalidKeyLength, which names the id and not the value (KW1)', async (_, value) => {
    put('prod/orders/orders-1', value)
    const error = await failure(provider().getKey('orders-1'))
    expect(error).toMatchObject({ code: 'InvalidKeyLength' })
    expect(error.message).toContain('orders-1')
    const shown = value.text || value.binary
    if (shown) expect(`${error.message}${error.stack}`).not.toContain(shown)
  })

  it('stays the oldest version of its secret, whatever is written there later (KW2)', async () => {
    put('prod/orders/orders-1')
    for (let index = 0; index < 3; index += 1) {
      await clock.advance(SECOND)
      await client.send(new PutSecretValueCommand({ SecretId: 'prod/orders/orders-1', SecretString: 'other' }))
    }
    expect((await provider().getKey('orders-1'))?.createdAt).toEqual(new Date(START))
  })

  it('is not asked for under an id that no name can hold, nor as the pointer (KW2, S7)', async () => {
    for (const keyId of ['a:b', 'current', '../orders-1', 'arn:aws:secretsmanager:x']) {
      expect(await provider().getKey(keyId)).toBeNull()
    }
    expect(manager.calls).toEqual([])
  })

  it.each([
    ['enabled=false', 'KeyDisabled'],
    ['expires=soon', 'KeyDisabled'],
    ['enabeld=false', 'KeyDisabled'],
    ['not-before=2026-11-02T00:00:00Z expires=2026-11-01T00:00:00Z', 'KeyDisabled'],
  ])('whose tag says %s is refused (KA3, KA4)', async (tag, code) => {
    put('prod/orders/orders-1').tags.set('queue-runtime', tag)
    await expect(provider().getKey('orders-1')).rejects.toMatchObject({ code })
  })

  it('may be expired or not begun, as its tag says (KA3, X18)', async () => {
    const tag = 'not-before=2026-10-01T00:00:00Z expires=2026-10-02T00:00:00Z enabled=true'
    put('prod/orders/orders-1').tags.set('queue-runtime', tag)
    expect(await provider().getKey('orders-1')).toMatchObject({
      notBefore: new Date('2026-10-01T00:00:00Z'),
      expiresAt: new Date('2026-10-02T00:00:00Z'),
    })
  })

  it('that is to be deleted is disabled, and comes back when it is restored', async () => {
    const secret = put('prod/orders/orders-1')
    put('prod/orders')
    await client.send(new DeleteSecretCommand({ SecretId: 'prod/orders/orders-1' }))
    await expect(provider().getKey('orders-1')).rejects.toMatchObject({ code: 'KeyDisabled' })
    await expect(during(createKey(perKey(), { keyId: 'orders-1' }))).rejects.toMatchObject({ code: 'KeyDisabled' })
    secret.isDeleted = false
    expect((await provider().getKey('orders-1'))?.id).toBe('orders-1')
  })

  it('has a short id where versions are keys: the last part of the name, or a label (KW2)', async () => {
    const secret = put('prod/orders')
    const [{ id } = { id: '' }] = secret.versions
    expect(await provider(versions()).currentKeyId()).toBe(`orders:${id}`)
    const byArn = provider({ secret: secret.arn, label: 'prod.orders', client })
    expect(await byArn.currentKeyId()).toBe(`prod.orders:${id}`)
    expect((await byArn.getKey(`prod.orders:${id}`))?.id).toBe(`prod.orders:${id}`)
    const before = manager.calls.length
    for (const keyId of [`orders:${id}`, id, `prod.orders:${id}:x`, 'prod.orders:AWSCURRENT']) {
      expect(await byArn.getKey(keyId)).toBeNull()
    }
    expect(manager.calls.length).toBe(before)
  })
})

describe('where listing is denied, configured ids', () => {
  it('are the list (X14, KW2)', async () => {
    put('prod/orders/orders-1')
    manager.inject(({ operation }) => (operation === 'ListSecrets' ? { kind: 'answer', ...denied } : undefined))
    await expect(provider().validKeyIds?.()).rejects.toMatchObject({ code: 'KeyProviderError' })
    const keys = provider(perKey({ keyIds: ['orders-1', 'orders-2'] }))
    expect(await keys.validKeyIds?.()).toEqual(['orders-1', 'orders-2'])
    expect((await keys.getKey('orders-1'))?.id).toBe('orders-1')
    expect(await keys.getKey('orders-2')).toBeNull()
    const before = manager.calls.length
    expect(await keys.getKey('orders-3')).toBeNull()
    expect(manager.calls.length).toBe(before)
  })
})

describe('the current key', () => {
  it.each<readonly [string, Value]>([
    ['a key', { text: randomBytes(32).toString('base64') }],
    ['no id', { text: 'orders/1' }],
    ['nothing', { text: '' }],
  ])('is unknown where the pointer holds %s, which is not told', async (_, value) => {
    put('prod/orders/current', value)
    const error = await failure(provider().currentKeyId())
    expect(error).toMatchObject({ code: 'KeyProviderError', isTransient: true })
    if (value.text) expect(error.message).not.toContain(value.text)
  })

  it('is unknown where nothing points to one', async () => {
    await expect(provider().currentKeyId()).rejects.toThrow('There is no secret prod/orders/current.')
    await expect(provider(versions()).currentKeyId()).rejects.toThrow('No version has AWSCURRENT.')
  })
})

describe('what goes wrong at Secrets Manager', () => {
  const answer = (what: Answer): Fault => ({ kind: 'answer', ...what })
  const named = (name: string, status = 400): Fault => answer({ status, body: { __type: name, Message: 'a secret' } })
  const rejected = 'Secrets Manager rejects the credentials, or there are none, or no region.'
  const unusable = 'Secrets Manager cannot use the KMS key of the secret: it is disabled, or denied to the identity.'

  it.each<readonly [what: string, fault: Fault, text: string, retryAfterMs: number | undefined]>([
    ['a denied identity', answer(denied), 'Secrets Manager denies the identity this operation.', undefined],
    ['an expired token', named('ExpiredTokenException'), rejected, undefined],
    ['a wrong signature', named('InvalidSignatureException', 403), rejected, undefined],
    ['a KMS key out of reach', named('DecryptionFailure'), unusable, undefined],
    ['throttling', answer(throttled(7)), 'Secrets Manager asks to slow down.', 7_000],
    ['throttling without a hint', answer(throttled()), 'Secrets Manager asks to slow down.', undefined],
    ['a 503', answer(unavailable), 'Secrets Manager failed.', undefined],
    ['an unknown error', named('SomethingNew'), 'Secrets Manager failed.', undefined],
    ['a cut connection', { kind: 'cut', when: 'before' }, 'Secrets Manager cannot be reached.', undefined],
    ['half an answer', { kind: 'cut', when: 'amid' }, 'Secrets Manager cannot be reached.', undefined],
  ])(
    '%s is told as it is: KeyProviderError, transient, with the wait it asks for (KA4)',
    async (_, fault, text, retryAfterMs) => {
      manager.inject(() => fault)
      for (const [keys, keyId] of [
        [provider(), 'orders-1'],
        [provider(versions()), `orders:${randomUUID()}`],
      ] as const) {
        for (const call of [keys.currentKeyId(), keys.validKeyIds?.() ?? Promise.resolve(), keys.getKey(keyId)]) {
          expect(await failure(call)).toMatchObject({
            ...{ code: 'KeyProviderError', isTransient: true, message: text, retryAfterMs },
          })
        }
      }
    },
  )

  it('credentials that nobody has are told apart, without their text (KA4)', async () => {
    const credentials = () =>
      Promise.reject(Object.assign(new Error('secret=abc'), { name: 'CredentialsProviderError' }))
    const keys = secretsManagerKeyProvider({
      ...{ prefix: 'prod', region: LOCAL.region, endpoint: manager.origin, credentials },
    })
    await expect(keys.getKey('orders-1')).rejects.toMatchObject({ code: 'KeyProviderError', message: rejected })
  })

  it('a service that is not there cannot be reached, and an answer that does not come is waited for so long', async () => {
    manager.inject(() => ({ kind: 'stall' }))
    await expect(provider(perKey({ timeoutMs: 30 })).getKey('orders-1')).rejects.toThrow(
      'Secrets Manager did not answer within 30 ms.',
    )
    await manager.down()
    await expect(provider().getKey('orders-1')).rejects.toThrow('Secrets Manager cannot be reached.')
  })

  it('an authority that nobody knows cannot be reached (SC1)', async () => {
    await stop()
    await start({ tls: ['localhost'] })
    const keys = secretsManagerKeyProvider({ ...LOCAL, prefix: 'prod', endpoint: manager.origin })
    await expect(keys.getKey('orders-1')).rejects.toThrow('Secrets Manager cannot be reached.')
  })

  it('an idle connection that was closed meanwhile is no outage', async () => {
    const keys = provider()
    put('prod/orders/orders-1')
    await keys.getKey('orders-1')
    await manager.down()
    await manager.up()
    expect((await keys.getKey('orders-1'))?.id).toBe('orders-1')
  })
})

describe('the options', () => {
  it.each<readonly [string, unknown]>([
    ['prefix', {}],
    ['prefix', { prefix: 'prod/' }],
    ['prefix', { prefix: 'arn:aws' }],
    ['prefix', { prefix: 'prod', secret: 'prod/orders' }],
    ['pointer', { prefix: 'prod', pointer: 'a/b' }],
    ['pointer', { secret: 'prod/orders', pointer: 'current' }],
    ['secret', { secret: 'arn:aws:s3:::bucket' }],
    ['label', { secret: 'prod/a+b' }],
    ['label', { secret: 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:prod/orders-AbCdEf' }],
    ['label', { prefix: 'prod', label: 'orders' }],
    ['region', { prefix: 'prod', region: 'EU' }],
    ['credentials', { prefix: 'prod', credentials: {} }],
    ['endpoint', { prefix: 'prod', endpoint: 'http://example.com' }],
    ['client', { prefix: 'prod', client: {} }],
    ['keyIds', { prefix: 'prod', keyIds: ['a/b'] }],
    ['timeoutMs', { prefix: 'prod', timeoutMs: 0 }],
    ['clock', { prefix: 'prod', clock: {} }],
    ['prefx', { prefx: 'prod' }],
  ])('are checked at once: %s (C23, E3)', (field, options) => {
    expect(() => secretsManagerKeyProvider(options as SecretsManagerKeyOptions)).toThrow(
      expect.objectContaining({ code: 'Configuration', facts: { field } }),
    )
  })

  it.each(['region', 'credentials', 'endpoint'])('know one client: not %s beside it (C23)', (field) => {
    const beside = { ...LOCAL, endpoint: manager.origin }
    expect(() => provider(perKey({ [field]: Reflect.get(beside, field) }))).toThrow(
      expect.objectContaining({ facts: { field } }),
    )
  })
})

describe('createKey, promoteKey, retireKey', () => {
  it('write the dates of a key, and those of its retirement', async () => {
    const [notBefore, expiresAt] = [new Date(START - 5 * SECOND), new Date(START + 90_000 * SECOND)]
    const store = { ...LOCAL, endpoint: manager.origin, prefix: 'prod/orders', clock }
    await createKey(store, { keyId: 'orders-1', notBefore, expiresAt })
    await createKey(store, { keyId: 'orders-2' })
    expect(await promoteKey(store, { keyId: 'orders-1' })).toEqual({ keyId: 'orders-1', previousKeyId: undefined })
    expect(await promoteKey(store, { keyId: 'orders-2' })).toEqual({ keyId: 'orders-2', previousKeyId: 'orders-1' })
    expect(await promoteKey(store, { keyId: 'orders-2' })).toEqual({ keyId: 'orders-2', previousKeyId: undefined })
    expect(await provider().getKey('orders-1')).toMatchObject({ notBefore, expiresAt })
    const report = await retireKey(store, { keyId: 'orders-1', messageLifeMs: 60 * SECOND })
    const end = new Date(START + 7_200_000)
    expect(report).toEqual({ keyId: 'orders-1', expiresAt: end, removableAt: new Date(end.getTime() + 60 * SECOND) })
    expect(await provider().getKey('orders-1')).toMatchObject({ notBefore, expiresAt: end })
  })

  it('wait until a new secret is on the list, which may take minutes', async () => {
    await stop()
    await start({ listLagMs: 300 * SECOND })
    const made = await during(createKey(perKey(), { keyId: 'orders-1' }))
    expect(await provider().validKeyIds?.()).toEqual([made.keyId])
    expect(clock.now() - START).toBeGreaterThanOrEqual(300 * SECOND)
    await expect(during(createKey(perKey(), { keyId: 'orders-2', waitMs: SECOND }))).rejects.toMatchObject({
      code: 'KeyProviderError',
    })
  })

  it('go both ways where versions are keys, and keep the pruned tags of no version', async () => {
    const { keyId: first } = await createKey(versions())
    await promoteKey(versions(), { keyId: first })
    const { keyId: second } = await createKey(versions(), { expiresAt: new Date(START + 9_000 * SECOND) })
    expect(await provider(versions()).currentKeyId()).toBe(first)
    expect((await provider(versions()).getKey(second))?.expiresAt).toEqual(new Date(START + 9_000 * SECOND))
    await promoteKey(versions(), { keyId: second })
    expect(await promoteKey(versions(), { keyId: first })).toEqual({ keyId: first, previousKeyId: second })
    const secret = put('prod/orders', { text: 'AWSCURRENT moves here' })
    manager.store.stage(secret, 'AWSCURRENT', secret.versions[0])
    secret.tags.set('queue-runtime:gone', 'expires=2020-01-01T00:00:00Z')
    await retireKey(versions(), { keyId: second, messageLifeMs: 0, graceMs: 0 })
    expect([...secret.tags]).toEqual([
      [`queue-runtime:${second.slice('orders:'.length)}`, 'expires=2026-11-01T00:00:00.000Z'],
    ])
  })

  it('make the successor again where its label was taken away', async () => {
    const { keyId: first } = await createKey(versions())
    await promoteKey(versions(), { keyId: first })
    const { keyId: second } = await createKey(versions())
    const VersionId = second.slice('orders:'.length)
    const SecretId = 'prod/orders'
    await client.send(
      new UpdateSecretVersionStageCommand({ SecretId, VersionStage: 'AWSPENDING', RemoveFromVersionId: VersionId }),
    )
    expect(await createKey(versions())).toEqual({ keyId: second })
    const pending = manager.store.find(SecretId)?.versions.find(({ stages }) => stages.has('AWSPENDING'))
    expect(pending?.id).toBe(VersionId)
    await expect(createKey(versions(), { keyId: 'other:1' })).rejects.toMatchObject({ facts: { field: 'keyId' } })
  })

  it('refuse keys that are not there, disabled, expired or not begun', async () => {
    await expect(promoteKey(perKey(), { keyId: 'orders-9' })).rejects.toMatchObject({ code: 'KeyNotFound' })
    for (const [keyId, tag, code] of [
      ['expired', 'expires=2026-11-01T00:00:00Z', 'KeyExpired'],
      ['early', 'not-before=2026-11-01T00:00:09Z', 'KeyNotYetValid'],
      ['disabled', 'enabled=false', 'KeyDisabled'],
    ] as const) {
      put(`prod/orders/${keyId}`).tags.set('queue-runtime', tag)
      await expect(promoteKey(perKey(), { keyId })).rejects.toMatchObject({ code })
    }
    await expect(createKey(perKey())).rejects.toMatchObject({ facts: { field: 'keyId' } })
  })

  it('retire nothing while it is unknown which key is current', async () => {
    await createKey(perKey(), { keyId: 'orders-1' })
    await promoteKey(perKey(), { keyId: 'orders-1' })
    manager.inject(({ subject }) =>
      subject === 'prod/orders/current' ? { kind: 'answer', ...unavailable } : undefined,
    )
    await expect(retireKey(perKey(), { keyId: 'orders-1', messageLifeMs: 0 })).rejects.toMatchObject({
      code: 'KeyProviderError',
    })
    expect((await provider().getKey('orders-1'))?.expiresAt).toBeUndefined()
  })
})
