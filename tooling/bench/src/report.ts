import Table from 'cli-table3'
import type { Spread } from './statistics.ts'

interface ContenderResult {
  readonly name: string
  readonly microseconds: Spread
  /** By round, the time of this contender divided by that of the first one. */
  readonly timesFirst: Spread
  /** By round, the time of this contender divided by that of the second one. */
  readonly timesSecond: Spread
}

/** What one kind of input gave. */
export interface WorkloadResult {
  readonly name: string
  /** What the first and the second contender are called in the heads of the ratios. */
  readonly bases: readonly [first: string, second: string]
  readonly contenders: readonly ContenderResult[]
  /** What was measured beside times. */
  readonly notes?: readonly string[]
}

const NO_COLOURS = { head: [], border: [] }

const ratio = (value: number): string => value.toFixed(value < 10 ? 3 : 1)

const time = (value: number): string =>
  value.toLocaleString('en-US', { minimumFractionDigits: 1, maximumFractionDigits: 1 })

/** Returns the results of one workload as a table for people. */
export function workloadText({ name, bases, contenders, notes = [] }: WorkloadResult): string {
  const lines = notes.map((note) => `${note}\n`).join('')
  if (contenders.length === 0) return `${name}\n${lines}`
  const table = new Table({
    head: ['', 'µs', `x ${bases[0]}`, 'p10 – p90', `x ${bases[1]}`, 'p10 – p90'],
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right'],
    style: { ...NO_COLOURS, compact: true },
  })
  for (const { name: contender, microseconds, timesFirst, timesSecond } of contenders) {
    const columns = [timesFirst, timesSecond].flatMap(({ p10, median, p90 }) => [
      ratio(median),
      `${ratio(p10)} – ${ratio(p90)}`,
    ])
    table.push([contender, time(microseconds.median), ...columns])
  }
  return `${name}\n${table.toString()}\n${lines}`
}
