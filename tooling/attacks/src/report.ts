import Table from 'cli-table3'
import type { Mutant, Row } from './attack.ts'
import type { Result } from './run.ts'

export type Counts = Record<Result['status'], number>

export function countsOf(results: readonly Result[]): Counts {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 }
  for (const { status } of results) counts[status] += 1
  return counts
}

const catchesOf = (row: Row): readonly Mutant[] => ('catches' in row ? row.catches : [])

const factsText = (facts: Result['facts']): string =>
  Object.entries(facts)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ')

const outcomeText = ({ row, status, outcome, facts }: Result): string => {
  if (status === 'skipped') return `not run: ${outcome}`
  const observed = Object.keys(facts).length === 0 ? outcome : `${outcome} [${factsText(facts)}]`
  return status === 'failed' ? `${observed}\nexpected: ${row.expected}` : observed
}

/** Returns the results as a table for people, with the counts as its last line. */
export function tableText(results: readonly Result[]): string {
  const table = new Table({
    head: ['#', 'Attack', 'By', 'Outcome', 'Catches a library that', 'Result'],
    colAligns: ['right', 'left', 'left', 'left', 'left', 'left'],
    colWidths: [4, 28, 14, 60, 26, 9],
    wordWrap: true,
    style: { head: [], border: [] },
  })
  for (const result of results) {
    const { row, status } = result
    table.push([row.number, row.name, row.by, outcomeText(result), catchesOf(row).join(', '), status])
  }
  const { passed, failed, skipped } = countsOf(results)
  return `${table.toString()}\n${passed} passed, ${failed} failed, ${skipped} skipped\n`
}

/** Returns the results as one line of JSON. */
export function jsonText(results: readonly Result[]): string {
  const attacks = results.map(({ row, status, outcome, facts }) => {
    const { number, name, by, expected } = row
    return { number, name, by, expected, status, outcome, facts, catches: catchesOf(row) }
  })
  return `${JSON.stringify({ ...countsOf(results), attacks })}\n`
}
