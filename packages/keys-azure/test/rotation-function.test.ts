import { startKeyVault } from '@queue-runtime/key-vault-emulator'
import { keyVaultKeyProvider, type RetiredKey } from '@queue-runtime/keys-azure'
import { describe, expect, it } from 'vitest'
import { rotate } from '../examples/rotation-function.ts'
import { clientOf } from './support.ts'

describe('the sample of an Azure Function', () => {
  it('rotates a secret, twice and from two places at once, and says when the old key may go (A27)', async () => {
    const vault = await startKeyVault({ tls: ['localhost'] })
    const store = { secret: 'orders', client: clientOf(vault) }
    const provider = keyVaultKeyProvider(store)
    const retired: RetiredKey[] = []
    const rotation = { waitMs: 0, messageLifeMs: 1_000, report: (one: RetiredKey) => retired.push(one) }

    await rotate(store, rotation)
    const first = await provider.currentKeyId()
    expect(retired).toEqual([])

    await Promise.all([rotate(store, rotation), rotate(store, rotation)])
    const second = await provider.currentKeyId()
    expect(second).not.toBe(first)
    expect(new Set(retired.map(({ keyId }) => keyId))).toEqual(new Set([first]))
    expect(await provider.validKeyIds?.()).toEqual([first, second])
    const old = await provider.getKey(first)
    expect(old?.expiresAt?.getTime()).toBe(retired.at(-1)?.expiresAt.getTime())
    expect((await provider.getKey(second))?.expiresAt?.getTime()).toBeGreaterThan(old?.expiresAt?.getTime() ?? 0)
    await vault.close()
  })
})
