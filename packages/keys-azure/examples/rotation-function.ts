import { setTimeout as sleep } from 'node:timers/promises'
import { createKey, type KeyVaultKeyOptions, promoteKey, type RetiredKey, retireKey } from '@queue-runtime/keys-azure'

const DAY_MS = 86_400_000

/** `waitMs`: how long receivers get to learn of the new key. `messageLifeMs`: how long a message may wait to be opened. */
interface Rotation {
  readonly waitMs?: number
  readonly messageLifeMs?: number
  readonly report: (retired: RetiredKey) => void
}

/**
 * The body of an Azure Function that rotates a secret whose versions are the keys, when Key Vault says that its newest version
 * expires soon (Event Grid, SecretNearExpiry), or by the clock:
 *
 *   app.eventGrid('rotate', { handler: () => rotate(store, { report: (retired) => context.log(retired) }) })
 *   app.timer('rotate', { schedule: '0 0 3 1 *\/2 *', handler: () => rotate(store, { report }) })
 *
 * It may run twice, and in two places at once.
 */
export async function rotate(store: KeyVaultKeyOptions, rotation: Rotation): Promise<void> {
  const { waitMs = 120_000, messageLifeMs = 14 * DAY_MS, report } = rotation
  const { keyId } = await createKey(store, { expiresAt: new Date(Date.now() + 120 * DAY_MS) })
  await sleep(waitMs)
  const { previousKeyId } = await promoteKey(store, { keyId })
  if (previousKeyId === undefined) return
  report(await retireKey(store, { keyId: previousKeyId, messageLifeMs }))
}
