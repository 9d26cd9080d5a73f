import { describe, expect, it } from 'vitest'
import type { Attack } from '../src/attack.ts'
import { ATTACKS } from '../src/attacks.ts'
import { library } from '../src/library.ts'
import { runRow } from '../src/run.ts'
import { MUTANTS } from './mutants/all.ts'

const attacks = ATTACKS.filter((row): row is Attack => 'run' in row)

describe('protocol.md 9, attack', () => {
  it.for(attacks)('$number: $by $name', async (row) => {
    const { status, outcome } = await runRow(row, library)
    expect({ status, outcome }).toEqual({ status: 'passed', outcome: row.expected })
  })

  for (const row of ATTACKS) {
    if ('skipped' in row) it.skip(`${row.number}: ${row.by} ${row.name}: ${row.skipped}`)
  }
})

describe('the table', () => {
  it('has each of the 45 attacks, in order', () => {
    const numbers = ATTACKS.map(({ number }) => number)
    expect([...new Set(numbers)]).toEqual(Array.from({ length: 45 }, (_, index) => index + 1))
  })

  it('runs each attack at least once', () => {
    expect(new Set(attacks.map(({ number }) => number)).size).toBe(45)
  })

  it('names each broken library that there is', () => {
    const named = new Set(attacks.flatMap(({ catches }) => catches))
    expect(Object.keys(MUTANTS).filter((name) => ![...named].some((one) => one === name))).toEqual([])
  })
})

const pairs = attacks.flatMap((row) => row.catches.map((mutant) => ({ row, mutant, number: row.number })))

describe('the table catches a library that', () => {
  it.for(pairs)('$mutant, by attack $number', async ({ row, mutant }) => {
    const { status, outcome } = await runRow(row, { ...library, ...MUTANTS[mutant] }, 2_000)
    expect([status, outcome]).not.toContain(row.expected)
    expect(status).toBe('failed')
  })
})
