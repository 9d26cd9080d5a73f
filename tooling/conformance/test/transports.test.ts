import { describe, expect, it } from 'vitest'
import { providerKit, runCase } from '../src/index.ts'
import { describeCases } from '../src/vitest.ts'
import { memory, simplest } from './memory-provider.ts'
import { missed, mutantsOf, pairsOf, unnamed } from './mutation.ts'

describeCases(providerKit, memory)
describeCases(providerKit, simplest)

describe('apart from its fault, a provider', () => {
  it.for(mutantsOf(providerKit))('that %s carries a message', (mutant) =>
    runCase(
      providerKit,
      memory,
      {
        async run({ open, message }) {
          const queue = open()
          await queue.send([message('hello')], { signal: new AbortController().signal })
          const [delivery] = await queue.receive({ maxMessages: 1, waitMs: 0, signal: new AbortController().signal })
          expect(delivery?.message.body).toHaveLength('hello'.length)
          await delivery?.complete()
        },
      },
      mutant,
    ),
  )
})

describe.concurrent('the kit catches a provider', () => {
  it.for(pairsOf(providerKit))('%s', async ([, one], { expect }) => {
    expect(await missed(providerKit, [memory, simplest], one)).toEqual([])
  })

  it('with every fault that it knows', ({ expect }) => {
    expect(unnamed(providerKit)).toEqual([])
  })
})
