import { GetSecretValueCommand, RotateSecretCommand } from '@aws-sdk/client-secrets-manager'
import { createKey, promoteKey, secretsManagerKeyProvider } from '@queue-runtime/keys-aws'
import { type RotationStep, type SecretsManager, startSecretsManager } from '@queue-runtime/secrets-manager-emulator'
import { describe, expect, it } from 'vitest'
import { rotation } from '../examples/rotation-lambda.ts'
import { clientOf, LOCAL } from './support.ts'

describe('the sample of a rotation Lambda', () => {
  it('has the rotation of the platform drive ours, with steps that come twice (A27)', async () => {
    const handle = (step: RotationStep): Promise<void> =>
      rotation({ label: 'orders', waitMs: 0 }, { ...LOCAL, endpoint: manager.origin })(step)
    const manager: SecretsManager = await startSecretsManager({
      async rotationFunction(step) {
        await handle(step)
        await handle(step)
      },
    })
    const client = clientOf(manager)
    const store = { secret: 'prod/orders', client }
    const provider = secretsManagerKeyProvider(store)
    const { keyId: first } = await createKey(store)
    await promoteKey(store, { keyId: first })

    const { VersionId } = await client.send(new RotateSecretCommand({ SecretId: 'prod/orders' }))
    await manager.rotated()
    expect(await provider.currentKeyId()).toBe(`orders:${VersionId}`)
    expect((await provider.getKey(first))?.expiresAt?.getTime()).toBeGreaterThan(Date.now())
    expect((await provider.getKey(`orders:${VersionId}`))?.expiresAt).toBeUndefined()
    const { VersionStages } = await client.send(new GetSecretValueCommand({ SecretId: 'prod/orders' }))
    expect(VersionStages).toContain('AWSCURRENT')
    client.destroy()
    await manager.close()
  })
})
