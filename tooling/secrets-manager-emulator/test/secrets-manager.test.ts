import { Agent } from 'node:https'
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  ListSecretsCommand,
  ListSecretVersionIdsCommand,
  PutSecretValueCommand,
  RotateSecretCommand,
  SecretsManagerClient,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager'
import { afterEach, describe, expect, it } from 'vitest'
import {
  denied,
  type RotationStep,
  type SecretsManager,
  type SecretsManagerOptions,
  startSecretsManager,
  throttled,
  unavailable,
} from '../src/index.ts'

let manager: SecretsManager
let client: SecretsManagerClient
afterEach(async () => {
  client.destroy()
  await manager.close()
})

const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }

const start = async (options: SecretsManagerOptions = {}): Promise<void> => {
  manager = await startSecretsManager(options)
  client = new SecretsManagerClient({
    ...{ endpoint: manager.origin, region: 'us-east-1', credentials, maxAttempts: 1 },
    ...(manager.ca !== undefined && { requestHandler: { httpsAgent: new Agent({ ca: manager.ca }) } }),
  })
}

const [SecretId, Name] = ['prod/key', 'prod/key']
const TOKENS = ['1', '2', '3'].map((digit) => digit.repeat(32)) as [string, string, string]

const put = (token: string, ...VersionStages: string[]) =>
  client.send(new PutSecretValueCommand({ SecretId, ClientRequestToken: token, SecretString: token, VersionStages }))

const stages = async (): Promise<Record<string, string[]>> =>
  (await client.send(new DescribeSecretCommand({ SecretId }))).VersionIdsToStages ?? {}

describe('the local Secrets Manager, asked by the real SDK', () => {
  it.each([undefined, ['localhost'] as const])('keeps binary and text, TLS %o', async (tls) => {
    await start({ ...(tls && { tls }), now: () => 1_750_000_000_500 })
    await client.send(new CreateSecretCommand({ Name, SecretBinary: Uint8Array.of(1, 2, 3) }))
    const answer = await client.send(new GetSecretValueCommand({ SecretId }))
    expect(answer).toMatchObject({ Name, SecretBinary: Uint8Array.of(1, 2, 3), VersionStages: ['AWSCURRENT'] })
    expect(answer.CreatedDate).toEqual(new Date(1_750_000_000_500))
    expect(answer.SecretString).toBeUndefined()
    expect((await client.send(new GetSecretValueCommand({ SecretId: answer.ARN }))).Name).toBe(Name)
    await expect(client.send(new CreateSecretCommand({ Name, SecretString: 'x' }))).rejects.toMatchObject({
      name: 'ResourceExistsException',
    })
  })

  it('moves labels, has AWSPREVIOUS follow AWSCURRENT, and forgets no version that has lost its own', async () => {
    await start({ pageSize: 2 })
    const [first, second, third] = TOKENS
    await client.send(new CreateSecretCommand({ Name, SecretString: first, ClientRequestToken: first }))
    await put(second, 'AWSPENDING')
    expect(await stages()).toEqual({ [first]: ['AWSCURRENT'], [second]: ['AWSPENDING'] })
    const move = (to: string, from: string) =>
      client.send(
        new UpdateSecretVersionStageCommand({
          ...{ SecretId, VersionStage: 'AWSCURRENT', MoveToVersionId: to, RemoveFromVersionId: from },
        }),
      )
    await move(second, first)
    expect(await stages()).toEqual({ [first]: ['AWSPREVIOUS'], [second]: ['AWSPENDING', 'AWSCURRENT'] })
    await expect(move(first, third)).rejects.toMatchObject({ name: 'InvalidParameterException' })
    await put(third, 'AWSCURRENT')
    expect(await stages()).toEqual({ [second]: ['AWSPENDING', 'AWSPREVIOUS'], [third]: ['AWSCURRENT'] })
    const versions: (string | undefined)[] = []
    for (let NextToken: string | undefined, more = true; more; more = NextToken !== undefined) {
      const page = await client.send(new ListSecretVersionIdsCommand({ SecretId, IncludeDeprecated: true, NextToken }))
      versions.push(...(page.Versions ?? []).map(({ VersionId }) => VersionId))
      NextToken = page.NextToken
    }
    expect(versions).toEqual([first, second, third])
    expect((await client.send(new GetSecretValueCommand({ SecretId, VersionId: first }))).SecretString).toBe(first)
  })

  it('takes a token again with the same value, and refuses another', async () => {
    await start()
    const [first] = TOKENS
    await client.send(new CreateSecretCommand({ Name, SecretString: first, ClientRequestToken: first }))
    await put(first, 'AWSCURRENT')
    const other = { SecretId, ClientRequestToken: first, SecretString: 'other' }
    await expect(client.send(new PutSecretValueCommand(other))).rejects.toMatchObject({
      name: 'ResourceExistsException',
    })
  })

  it('lists by the beginning of names, and late', async () => {
    let now = 0
    await start({ listLagMs: 1_000, now: () => now, pageSize: 1 })
    for (const name of ['a/1', 'a/2', 'b/1']) {
      await client.send(new CreateSecretCommand({ Name: name, SecretString: 'x' }))
    }
    const list = () => client.send(new ListSecretsCommand({ Filters: [{ Key: 'name', Values: ['a/'] }] }))
    expect((await list()).SecretList).toEqual([])
    now = 1_000
    expect(await list()).toMatchObject({ SecretList: [{ Name: 'a/1' }], NextToken: '1' })
  })

  it('has tags, and no value for what is deleted', async () => {
    await start()
    await client.send(new CreateSecretCommand({ Name, SecretString: 'x', Tags: [{ Key: 'a', Value: '1' }] }))
    await client.send(new TagResourceCommand({ SecretId, Tags: [{ Key: 'b', Value: '2' }] }))
    await client.send(new UntagResourceCommand({ SecretId, TagKeys: ['a'] }))
    expect((await client.send(new DescribeSecretCommand({ SecretId }))).Tags).toEqual([{ Key: 'b', Value: '2' }])
    await client.send(new DeleteSecretCommand({ SecretId }))
    for (const command of [new GetSecretValueCommand({ SecretId }), new CreateSecretCommand({ Name })]) {
      await expect(client.send(command as GetSecretValueCommand)).rejects.toMatchObject({
        name: 'InvalidRequestException',
      })
    }
  })

  it('calls a rotation function four times, with a version that has no value yet', async () => {
    const steps: RotationStep[] = []
    await start({ rotationFunction: async (step) => steps.push(step) })
    await client.send(new CreateSecretCommand({ Name, SecretString: 'x' }))
    const { VersionId = '' } = await client.send(new RotateSecretCommand({ SecretId }))
    await manager.rotated()
    expect(steps.map(({ Step }) => Step)).toEqual(['createSecret', 'setSecret', 'testSecret', 'finishSecret'])
    expect(steps.every(({ ClientRequestToken }) => ClientRequestToken === VersionId)).toBe(true)
    expect((await stages())[VersionId]).toEqual(['AWSPENDING'])
    await expect(client.send(new GetSecretValueCommand({ SecretId, VersionId }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    })
  })

  it.each([
    ['denied', denied, 'AccessDeniedException'],
    ['throttled', throttled(), 'ThrottlingException'],
    ['unavailable', unavailable, 'ServiceUnavailable'],
  ] as const)('is %s on demand', async (_, answer, name) => {
    await start()
    await client.send(new CreateSecretCommand({ Name, SecretString: 'x' }))
    manager.inject(({ operation }) => (operation === 'GetSecretValue' ? { kind: 'answer', ...answer } : undefined))
    await expect(client.send(new GetSecretValueCommand({ SecretId }))).rejects.toMatchObject({ name })
    await client.send(new DescribeSecretCommand({ SecretId }))
  })
})
