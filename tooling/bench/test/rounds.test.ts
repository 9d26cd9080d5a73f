import { describe, expect, it } from 'vitest'
import { seededRandom, shuffled } from '../src/random.ts'
import { measureRounds } from '../src/rounds.ts'
import { ratioOf, spreadOf } from '../src/statistics.ts'

const letters = [...'abcdef']

describe('a seed', () => {
  it('repeats an order, and another seed gives another one', () => {
    expect(shuffled(letters, seededRandom(1))).toEqual(shuffled(letters, seededRandom(1)))
    expect(shuffled(letters, seededRandom(1))).not.toEqual(shuffled(letters, seededRandom(2)))
    expect(shuffled(letters, seededRandom(3)).sort()).toEqual(letters)
  })

  it('puts each item in each place about equally often', () => {
    const random = seededRandom(4)
    const first = Array.from({ length: 6_000 }, () => shuffled(letters, random)[0])
    for (const letter of letters) {
      expect(Math.abs(first.filter((one) => one === letter).length - 1_000)).toBeLessThan(120)
    }
  })
})

describe('the spread', () => {
  it('is the median and the tenth and ninetieth percentile', () => {
    expect(spreadOf([5, 1, 4, 2, 3])).toEqual({ p10: 1.4, median: 3, p90: 4.6 })
    expect(spreadOf([7])).toEqual({ p10: 7, median: 7, p90: 7 })
  })

  it('of ratios pairs what was measured in the same round', () => {
    expect(ratioOf([2, 20, 200], [1, 10, 100])).toEqual({ p10: 2, median: 2, p90: 2 })
  })
})

describe('the rounds', () => {
  it('give every contender the same inputs, and return one time per round and contender in the order given', async () => {
    const seen: Record<string, Set<number>> = { quick: new Set(), slow: new Set() }
    let round = 0
    const times = await measureRounds(
      [
        { name: 'quick', run: (input: number) => seen.quick?.add(input) },
        {
          name: 'slow',
          run: async (input: number) => {
            seen.slow?.add(input)
            await new Promise((resolve) => setTimeout(resolve, 5))
          },
        },
      ],
      { rounds: 3, random: seededRandom(1), inputsOf: () => [round++] },
    )
    expect(seen.quick).toEqual(new Set([0, 1, 2, 3]))
    expect(seen.slow).toEqual(seen.quick)
    expect(times.map(({ length }) => length)).toEqual([3, 3])
    for (const slow of times[1] ?? []) expect(slow).toBeGreaterThan(4_000)
  })
})
