import { describe, expect, it } from 'vitest'
import { realDeliveries } from '../src/crypto/bodies.ts'
import { assertRoundTrips, cryptoContenders } from '../src/crypto/contenders.ts'
import { seededRandom } from '../src/random.ts'
import { runWith } from './run-with.ts'

const contenders = await cryptoContenders()
const namesOf = (items: readonly { readonly name: string }[]): string[] => items.map(({ name }) => name)

describe('the contenders (PF1, PF2)', () => {
  it.each(contenders)('$name opens what it sealed', async (contender) => {
    for (const length of [0, 1, 257]) await assertRoundTrips(contender, new Uint8Array(length).fill(7))
  })

  it('are refused where they open another body than they sealed', async () => {
    const broken = { name: 'broken', run: (body: Uint8Array) => body.subarray(1) }
    await expect(assertRoundTrips(broken, Uint8Array.of(1, 2))).rejects.toThrow('broken opens another body')
  })
})

describe('the webhook deliveries', () => {
  it('are real ones, and each round takes some of them', () => {
    const { bodies, inputsOf } = realDeliveries()
    expect(bodies.length).toBeGreaterThan(100)
    for (const body of inputsOf(seededRandom(1))) expect(JSON.parse(Buffer.from(body).toString())).toBeTypeOf('object')
  })
})

describe('pnpm bench crypto', () => {
  it('prints one table per workload, and the same figures as one line of JSON', async () => {
    const { exitCode, stdout, stderr } = await runWith(
      'crypto',
      '--rounds',
      '1',
      '--sizes',
      '16',
      '--seed',
      '5',
      '--json',
    )
    expect(exitCode).toBe(0)
    expect(stdout.trimEnd().split('\n')).toHaveLength(1)
    const result = JSON.parse(stdout)
    expect(result).toMatchObject({ benchmark: 'crypto', rounds: 1, seed: 5 })
    expect(namesOf(result.workloads)).toEqual(['16 B'])
    const [{ contenders: rows }] = result.workloads
    expect(namesOf(rows)).toEqual(namesOf(contenders))
    expect(rows[0].timesFirst).toEqual({ p10: 1, median: 1, p90: 1 })
    expect(rows[1].timesSecond).toEqual({ p10: 1, median: 1, p90: 1 })
    for (const text of ['1 rounds, seed 5', ...namesOf(contenders)]) expect(stderr).toContain(text)
  })
})
