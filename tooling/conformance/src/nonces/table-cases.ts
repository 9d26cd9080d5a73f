import assert from 'node:assert/strict'
import type { NonceIdentity } from '@queue-runtime/crypto'
import { another, claim, identity, longOf, type NonceSetup } from './bench.ts'
import type { NonceCase } from './case.ts'
import { brokenBy, CELLS, type Cell, type Column, type Left, type Row } from './table.ts'

/** Lets a lease of one tick lapse. */
const lapse = async (setup: NonceSetup, id: NonceIdentity): Promise<void> => {
  await claim(setup, id, { leaseMs: setup.tickMs })
  await setup.time.advance(setup.tickMs * 1.5)
}

/** Brings a record into a state, for the delivery `mine`. */
const REACH: Readonly<Record<Column, (setup: NonceSetup, mine: NonceIdentity) => Promise<unknown>>> = {
  ABSENT: async () => {},
  async RELEASED(setup, mine) {
    const other = another(mine)
    await claim(setup, other)
    await setup.store.release(other, longOf(setup).retainMs)
  },
  'lapsed, other': (setup, mine) => lapse(setup, another(mine)),
  'lapsed, mine': (setup, mine) => lapse(setup, mine),
  'live, other': (setup, mine) => claim(setup, another(mine)),
  'live, mine': (setup, mine) => claim(setup, mine),
  async COMPLETED(setup, mine) {
    const other = another(mine)
    await claim(setup, other)
    await setup.store.confirm(other, longOf(setup).retainMs)
  },
}

const ASK: Readonly<Record<Row, (setup: NonceSetup, mine: NonceIdentity) => Promise<unknown>>> = {
  'claim fresh': (setup, mine) => claim(setup, mine),
  'claim stale': (setup, mine) => claim(setup, mine, { stale: true }),
  confirm: (setup, mine) => setup.store.confirm(mine, longOf(setup).retainMs),
  release: (setup, mine) => setup.store.release(mine, longOf(setup).retainMs),
  renew: (setup, mine) => setup.store.renew(mine, longOf(setup).leaseMs),
}

/** What a stale claim of a stranger shows of a record. */
const SEEN: Readonly<Record<Exclude<Left, 'same'> | Column, string>> = {
  claimed: 'in-flight',
  extended: 'in-flight',
  released: 'granted-again',
  completed: 'completed',
  ABSENT: 'expired',
  RELEASED: 'granted-again',
  'lapsed, other': 'granted-again',
  'lapsed, mine': 'granted-again',
  'live, other': 'in-flight',
  'live, mine': 'in-flight',
  COMPLETED: 'completed',
}

const seenAfter = ({ column, left }: Cell): string => SEEN[left === 'same' ? column : left]

/** The table of protocol.md 5: a case for each operation on each state. */
export const tableCases: readonly NonceCase[] = CELLS.map((cell) => ({
  name: `${cell.row} on ${cell.column}: ${cell.answer}, and then ${seenAfter(cell)} for a stranger`,
  requirement: 'protocol.md 5, NR2, A29',
  catches: brokenBy(cell),
  async run(setup) {
    const mine = identity()
    await REACH[cell.column](setup, mine)
    assert.equal(await ASK[cell.row](setup, mine), cell.answer)
    assert.equal(await claim(setup, another(mine), { stale: true }), seenAfter(cell))
  },
}))
