import { lookup } from 'node:dns'
import { Agent } from 'node:https'
import type { TokenCredential } from '@azure/core-auth'
import { createDefaultHttpClient } from '@azure/core-rest-pipeline'
import { SecretClient, type SecretClientOptions } from '@azure/keyvault-secrets'
import { afterEach, describe, expect, it } from 'vitest'
import { denied, type KeyVault, type KeyVaultOptions, startKeyVault, throttled, unavailable } from '../src/index.ts'

let vault: KeyVault
afterEach(() => vault.close())

const asked: unknown[] = []
const credential: TokenCredential = {
  async getToken(scopes, options) {
    asked.push([scopes, options?.tenantId])
    return { token: 'a-token', expiresOnTimestamp: Date.now() + 3_600_000 }
  },
}

const start = async (options: KeyVaultOptions = {}, more: SecretClientOptions = {}): Promise<SecretClient> => {
  vault = await startKeyVault({ tls: ['localhost'], ...options })
  return new SecretClient(vault.origin, credential, {
    disableChallengeResourceVerification: true,
    retryOptions: { maxRetries: 0 },
    tlsOptions: { ca: vault.ca ?? '' },
    ...more,
  })
}

describe('the local Key Vault, asked by the real SDK', () => {
  it('challenges the first request, which brings no body, and then takes the token of its resource', async () => {
    asked.length = 0
    const client = await start()
    await client.setSecret('one', 'value')
    await client.getSecret('one')
    expect(vault.calls.map(({ operation }) => operation)).toEqual(['Challenge', 'SetSecret', 'GetSecret'])
    expect(asked).toEqual([[['https://vault.azure.net/.default'], '00000000-0000-0000-0000-000000000000']])
    vault.refusedTokens.add('a-token')
    await expect(client.getSecret('one')).rejects.toMatchObject({ statusCode: 401 })
  })

  it('is not given a token under a name that the challenge does not fit', async () => {
    const client = await start({}, { disableChallengeResourceVerification: false })
    await expect(client.getSecret('one')).rejects.toThrow('does not match the requested domain')
  })

  it('is given one as a vault of vault.azure.net', async () => {
    vault = await startKeyVault({ tls: ['kit.vault.azure.net'] })
    const agent = new Agent({ ca: vault.ca, lookup: (_, options, done) => lookup('127.0.0.1', options, done) })
    const client = new SecretClient(vault.origin, credential, { agent })
    await client.setSecret('one', 'value')
    expect((await client.getSecret('one')).value).toBe('value')
  })

  it('answers over HTTP, where the SDK is made to talk it', async () => {
    const plain = createDefaultHttpClient()
    vault = await startKeyVault()
    const client = new SecretClient(vault.origin.replace('http:', 'https:'), credential, {
      disableChallengeResourceVerification: true,
      httpClient: {
        sendRequest(request) {
          const [url, allowInsecureConnection] = [request.url.replace('https:', 'http:'), true]
          return plain.sendRequest(Object.assign(Object.create(request), { url, allowInsecureConnection }))
        },
      },
    })
    await client.setSecret('one', 'value')
    expect((await client.getSecret('one')).value).toBe('value')
  })

  it('keeps versions with their attributes and tags, and lists them in pages, in no order of time', async () => {
    const client = await start({ pageSize: 2, now: () => 1_750_000_000_500 })
    const [notBefore, expiresOn] = [new Date(1_760_000_000_000), new Date(1_800_000_000_000)]
    const { properties: first } = await client.setSecret('one', 'a', { notBefore, expiresOn, tags: { x: '1' } })
    for (const value of ['b', 'c', 'd']) await client.setSecret('one', value)
    expect((await client.getSecret('one')).value).toBe('d')
    expect(await client.getSecret('one', { version: first.version ?? '' })).toMatchObject({
      value: 'a',
      properties: { notBefore, expiresOn, tags: { x: '1' }, createdOn: new Date(1_750_000_000_000), enabled: true },
    })
    const versions: string[] = []
    for await (const { version = '' } of client.listPropertiesOfSecretVersions('one')) versions.push(version)
    expect(versions).toHaveLength(4)
    expect(versions).toEqual(versions.toSorted())
    expect(vault.calls.filter(({ operation }) => operation === 'GetSecretVersions')).toHaveLength(2)
  })

  it('serves what is expired, and not what is disabled', async () => {
    const client = await start()
    const { properties } = await client.setSecret('one', 'a', { expiresOn: new Date(1_000_000_000) })
    expect((await client.getSecret('one')).value).toBe('a')
    await client.updateSecretProperties('one', properties.version ?? '', { enabled: false })
    await expect(client.getSecret('one')).rejects.toMatchObject({
      statusCode: 403,
      code: 'Forbidden',
      details: { error: { innerError: { code: 'SecretDisabled' } } },
    })
  })

  it('compares names without regard to case, and tells them as they were first written', async () => {
    const client = await start()
    await client.setSecret('One', 'a')
    expect((await client.getSecret('oNE')).name).toBe('One')
  })

  it('keeps a deleted name from being used again', async () => {
    const client = await start()
    await client.setSecret('one', 'a')
    await client.beginDeleteSecret('one')
    await expect(client.getSecret('one')).rejects.toMatchObject({ code: 'SecretNotFound', statusCode: 404 })
    await expect(client.setSecret('one', 'b')).rejects.toMatchObject({ code: 'Conflict', statusCode: 409 })
  })

  it.each([
    ['denied', denied, 403, 'Forbidden'],
    ['throttled', throttled(3), 429, 'Throttled'],
    ['unavailable', unavailable, 503, 'ServiceUnavailable'],
  ] as const)('is %s on demand', async (_, answer, statusCode, code) => {
    const client = await start()
    await client.setSecret('one', 'a')
    vault.inject(({ subject }) => (subject === 'one' ? { kind: 'answer', ...answer } : undefined))
    await expect(client.getSecret('one')).rejects.toMatchObject({ statusCode, code })
    await expect(client.getSecret('two')).rejects.toMatchObject({ statusCode: 404 })
  })
})
