import { setTimeout as sleep } from 'node:timers/promises'
import { createKey, promoteKey, retireKey, type SecretsManagerKeyOptions } from '@queue-runtime/keys-aws'

/** What Secrets Manager calls a rotation function with, four times per rotation. */
interface RotationEvent {
  readonly Step: 'createSecret' | 'setSecret' | 'testSecret' | 'finishSecret'
  readonly SecretId: string
  readonly ClientRequestToken: string
}

/** `waitMs`: how long receivers get to learn of the new key. `messageLifeMs`: how long a message may wait to be opened. */
interface Rotation {
  readonly label: string
  readonly waitMs?: number
  readonly messageLifeMs?: number
}

/**
 * Returns the handler of a Lambda function that rotates a secret whose versions are the keys. Give it two minutes. A step may
 * come twice.
 *
 *   export const handler = rotation({ label: 'orders' })
 */
export const rotation =
  ({ label, waitMs = 60_000, messageLifeMs = 14 * 86_400_000 }: Rotation, options: SecretsManagerKeyOptions = {}) =>
  async ({ Step, SecretId, ClientRequestToken }: RotationEvent): Promise<void> => {
    const store = { ...options, secret: SecretId, label }
    const keyId = `${label}:${ClientRequestToken}`
    const steps = {
      createSecret: () => createKey(store, { keyId }),
      setSecret: async () => {},
      testSecret: () => sleep(waitMs),
      async finishSecret() {
        const { previousKeyId } = await promoteKey(store, { keyId })
        if (previousKeyId !== undefined) await retireKey(store, { keyId: previousKeyId, messageLifeMs })
      },
    }
    await steps[Step]()
  }
