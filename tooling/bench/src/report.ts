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
  readonly contenders: readonly ContenderResult[]
}

const NO_COLOURS = { head: [], border: [] }

const ratio = (value: number): string => value.toFixed(value < 10 ? 3 : 1)

const time = (value: number): string =>
  value.toLocaleString('en-US', { minimumFractionDigits: 1, maximumFractionDigits: 1 })

/** Returns the results of one workload as a table for people. */
export function workloadText({ name, contenders }: WorkloadResult): string {
  const table = new Table({
    head: ['', 'µs', 'x bare', 'p10 – p90', 'x CryptoProvider', 'p10 – p90'],
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
  return `${name}\n${table.toString()}\n`
}
