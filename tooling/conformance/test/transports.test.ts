import { describe, it } from 'vitest'
import { providerKit } from '../src/index.ts'
import { describeCases } from '../src/vitest.ts'
import { memory, simplest } from './memory-provider.ts'
import { missed, unnamed } from './mutation.ts'

describeCases(providerKit, memory)
describeCases(providerKit, simplest)

describe.concurrent('the kit catches a provider', () => {
  it.for(providerKit.cases)('that $catches, in: $name', async (one, { expect, skip }) => {
    const found = await missed(providerKit, [memory, simplest], one)
    skip(found === undefined, 'no provider here has what it needs')
    expect(found).toEqual([])
  })

  it('with every fault that it knows', ({ expect }) => {
    expect(unnamed(providerKit)).toEqual([])
  })
})
