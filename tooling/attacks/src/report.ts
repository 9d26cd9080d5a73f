import Table from 'cli-table3'
import type { Result } from './run.ts'

export type Counts = Record<Result['status'], number>

export function countsOf(results: readonly Result[]): Counts {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 }
  for (const { status } of results) counts[status] += 1
  return counts
}

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
    head: ['#', 'Attack', 'By', 'Outcome', 'Result'],
    colAligns: ['right', 'left', 'left', 'left', 'left'],
    colWidths: [4, 34, 14, 70, 9],
    wordWrap: true,
    style: { head: [], border: [] },
  })
  for (const result of results) {
    const { row, status } = result
    table.push([row.number, row.name, row.by, outcomeText(result), status])
  }
  const { passed, failed, skipped } = countsOf(results)
  return `${table.toString()}\n${passed} passed, ${failed} failed, ${skipped} skipped\n`
}

/** Returns the results as one line of JSON. */
export function jsonText(results: readonly Result[]): string {
  const attacks = results.map(({ row, status, outcome, facts }) => {
    const { number, name, by, expected } = row
    const catches = 'catches' in row ? row.catches : []
    return { number, name, by, expected, status, outcome, facts, catches }
  })
  return `${JSON.stringify({ ...countsOf(results), attacks })}\n`
}
