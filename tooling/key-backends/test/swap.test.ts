import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { start as onAws } from './programs/aws.ts'
import { start as onAzure } from './programs/azure.ts'
import { localManager, localVault } from './programs/local.ts'

const linesOf = (name: string): string[] =>
  readFileSync(new URL(`programs/${name}.ts`, import.meta.url), 'utf8').split('\n')

describe('a program', () => {
  it('swaps one key store for the other by one import and one line', () => {
    const [aws, azure] = [linesOf('aws'), linesOf('azure')]
    expect(azure).toHaveLength(aws.length)
    const changed = azure.filter((line, index) => line !== aws[index])
    expect(changed).toEqual([
      "import { createKey, keyVaultKeyProvider as keysOf, promoteKey } from '@queue-runtime/keys-azure'",
      '  const store = { client: local.vaultClient() }',
    ])
  })

  it.each([
    ['Key Vault', onAzure, localVault],
    ['Secrets Manager', onAws, localManager],
  ] as const)('does the same on %s', async (_, run, local) => {
    await using server = await local()
    expect(await run()).toEqual(['one, sealed under orders-1', 'two, sealed under orders-2'])
    expect(server.calls.length).toBeGreaterThan(0)
  })
})
