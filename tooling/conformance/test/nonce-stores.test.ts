import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { nonceKit, runCase } from '../src/index.ts'
import { describeCases } from '../src/vitest.ts'
import { missed, mutantsOf, pairsOf, unnamed } from './mutation.ts'
import { distantStore, memoryStore } from './nonce-stores.ts'

for (const subject of [memoryStore, distantStore]) describeCases(nonceKit, subject)

describe('the kit catches a nonce store', () => {
  it.for(pairsOf(nonceKit))('%s', async ([, one]) => {
    expect(await missed(nonceKit, [distantStore], one)).toEqual([])
  })

  it('with every fault that it knows', () => {
    expect(unnamed(nonceKit)).toEqual([])
  })
})

describe('apart from its fault, a nonce store', () => {
  it.for(mutantsOf(nonceKit))('that %s answers a claim', (mutant) =>
    runCase(
      nonceKit,
      distantStore,
      {
        async run({ store }) {
          const id = { scope: randomUUID(), keyId: 'kit-1', nonce: new Uint8Array(12), token: randomUUID() }
          const [answer] = await store.claim([{ ...id, leaseMs: 30_000, retainMs: 600_000, stale: false }])
          expect(['granted', 'granted-again']).toContain(answer)
        },
      },
      mutant,
    ),
  )
})
