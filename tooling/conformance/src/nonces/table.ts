import type { NonceMutant } from './mutant.ts'

/** What a delivery may ask. */
export type Row = 'claim fresh' | 'claim stale' | 'confirm' | 'release' | 'renew'

/**
 * How it finds the record: leases of its own (`mine`) and of another delivery, live and lapsed, which the table of protocol.md
 * takes together where they make no difference.
 */
export type Column =
  | 'ABSENT'
  | 'RELEASED'
  | 'lapsed, other'
  | 'lapsed, mine'
  | 'live, other'
  | 'live, mine'
  | 'COMPLETED'

/** What becomes of the record. */
export type Left = 'claimed' | 'extended' | 'released' | 'completed' | 'same'

export interface Cell {
  readonly row: Row
  readonly column: Column
  readonly answer: string
  readonly left: Left
}

/** The table of protocol.md 5: the answer, and what is left behind. */
const TABLE = `
            | ABSENT          | RELEASED              | lapsed, other         | lapsed, mine          | live, other    | live, mine            | COMPLETED
claim fresh | granted claimed | granted-again claimed | granted-again claimed | granted-again claimed | in-flight same | granted-again claimed | completed same
claim stale | expired same    | granted-again claimed | granted-again claimed | granted-again claimed | in-flight same | granted-again claimed | completed same
confirm     | ok completed    | ok completed          | lost same             | ok completed          | lost same      | ok completed          | already same
release     | lost same       | lost same             | lost same             | ok released           | lost same      | ok released           | lost same
renew       | lost same       | lost same             | lost same             | ok extended           | lost same      | ok extended           | lost same`

/** A broken store for each cell: what answers or leaves something else. */
const BROKEN: Readonly<Record<Row, Readonly<Record<Column, readonly [NonceMutant, ...NonceMutant[]]>>>> = {
  'claim fresh': {
    ABSENT: ['takes every claim for a second one', 'remembers no claim', 'completes what it grants'],
    RELEASED: ['forgets what is released'],
    'lapsed, other': ['lets no lease lapse', 'forgets what is lapsed'],
    'lapsed, mine': ['takes its own claim for another one'],
    'live, other': ['looks at no lease', 'grants what is in flight'],
    'live, mine': ['takes its own claim for another one'],
    COMPLETED: ['grants what was completed'],
  },
  'claim stale': {
    ABSENT: ['grants a stale message that it never saw'],
    RELEASED: ['forgets what is released', 'refuses what comes back late'],
    'lapsed, other': ['lets no lease lapse', 'refuses what comes back late'],
    'lapsed, mine': ['refuses what comes back late'],
    'live, other': ['looks at no lease', 'grants what is in flight'],
    'live, mine': ['takes its own claim for another one'],
    COMPLETED: ['grants what was completed'],
  },
  confirm: {
    ABSENT: ['confirms only what is claimed', 'confirms nothing'],
    RELEASED: ['confirms only what is claimed', 'confirms nothing'],
    'lapsed, other': ['confirms for anybody'],
    'lapsed, mine': ['takes a lapsed claim for lost', 'confirms nothing'],
    'live, other': ['confirms for anybody'],
    'live, mine': ['confirms nothing'],
    COMPLETED: ['confirms more than once'],
  },
  release: {
    ABSENT: ['releases anything'],
    RELEASED: ['releases anything'],
    'lapsed, other': ['releases for anybody'],
    'lapsed, mine': ['takes a lapsed claim for lost'],
    'live, other': ['releases for anybody'],
    'live, mine': ['releases nothing', 'completes what is released'],
    COMPLETED: ['releases anything'],
  },
  renew: {
    ABSENT: ['renews anything'],
    RELEASED: ['renews anything'],
    'lapsed, other': ['renews for anybody'],
    'lapsed, mine': ['renews nothing', 'takes a lapsed claim for lost'],
    'live, other': ['renews for anybody'],
    'live, mine': ['releases what it renews'],
    COMPLETED: ['renews anything'],
  },
}

const [columns = [], ...rows] = TABLE.trim()
  .split('\n')
  .map((line) => line.split('|').map((cell) => cell.trim()))

/** The table, cell by cell. */
export const CELLS: readonly Cell[] = rows.flatMap(([row, ...cells]) =>
  cells.map((cell, index) => {
    const [answer, left] = cell.split(' ')
    return { row, column: columns[index + 1], answer, left } as Cell
  }),
)

/** The broken stores that the case of a cell catches. */
export const brokenBy = ({ row, column }: Cell): readonly [NonceMutant, ...NonceMutant[]] => BROKEN[row][column]
