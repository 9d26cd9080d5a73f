import { EncryptionKey } from '@queue-runtime/crypto'
import { describe, expect, it } from 'vitest'
import { KEY_IDS, keyKit, runCase } from '../src/index.ts'
import { describeCases } from '../src/vitest.ts'
import { cached, environment, files, multi, store } from './key-stores.ts'
import { missed, mutantsOf, pairsOf, unnamed } from './mutation.ts'

for (const subject of [store, multi, environment, files]) describeCases(keyKit, subject)
for (const source of [store, environment, files]) describeCases(keyKit, cached(source))

describe('apart from its fault, a key provider', () => {
  it.for(mutantsOf(keyKit))('that %s gives a key', (mutant) =>
    runCase(
      keyKit,
      store,
      {
        async run({ provider }) {
          expect(await provider.getKey(KEY_IDS[0])).toBeInstanceOf(EncryptionKey)
          expect(await provider.currentKeyId()).toMatch(/^kit-/)
        },
      },
      mutant,
    ),
  )
})

describe('the kit catches a key provider', () => {
  it.for(pairsOf(keyKit))('%s', async ([, one], { expect }) => {
    expect(await missed(keyKit, [store], one)).toEqual([])
  })

  it('with every fault that it knows', ({ expect }) => {
    expect(unnamed(keyKit)).toEqual([])
  })
})
