import type { Entry } from './ledger.ts'
import type { AttackRow, QueueRow } from './result.ts'

const sum = <T>(rows: readonly T[], value: (row: T) => number): number =>
  rows.reduce((total, row) => total + value(row), 0)

const deliveries = (count: number): string => (count === 1 ? '1 delivery' : `${count} deliveries`)

/** What can go wrong with a delivery that nobody attacked. Each is looked for on its own: one may hide behind another. */
const checks = (timeoutMs: number): readonly (readonly [sentence: string, isBroken: (entry: Entry) => boolean])[] => [
  ['not accepted by the router', ({ status }) => status !== 202],
  [
    `lost: no bot read it within ${timeoutMs / 1_000} s`,
    ({ queue, reads }) => queue !== undefined && reads.length === 0,
  ],
  ['opened by the wrong bot', ({ queue, reads }) => reads.some((read) => read.queue !== queue)],
  ['opened with other content than posted', ({ reads }) => reads.some(({ isIntact }) => !isIntact)],
]

/** Returns a sentence per kind of failure among deliveries that must have arrived within `timeoutMs`. */
export const judgeDeliveries = (entries: readonly Entry[], timeoutMs: number): string[] =>
  checks(timeoutMs).flatMap(([sentence, isBroken]) => {
    const broken = entries.filter(isBroken)
    if (broken.length === 0) return []
    const queues = [...new Set(broken.map(({ queue, delivery }) => queue ?? delivery.event))].join(', ')
    return `${deliveries(broken.length)} ${sentence} (${queues}).`
  })

/** Returns a sentence where the broker stored something readable. */
export const judgeWire = (rows: readonly QueueRow[]): string[] => {
  const windows = sum(rows, ({ plaintextWindows }) => plaintextWindows)
  return windows === 0 ? [] : [`The broker stored plaintext: ${windows} windows of eight bytes.`]
}

/** Returns a sentence per attack that was not refused. */
export const judgeAttacks = (rows: readonly AttackRow[]): string[] =>
  rows
    .filter(({ refused }) => !refused)
    .map(({ name, passed }) =>
      passed ? `The attack ${name} passed: a bot read the message.` : `The attack ${name} was not refused in time.`,
    )
