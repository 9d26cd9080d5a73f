import Table from 'cli-table3'
import type { AttackRow, QueueRow, Result } from './demo/result.ts'

const NO_COLOURS = { head: [], border: [] }

const ms = (value: number | undefined): string => (value === undefined ? '–' : `${value.toFixed(1)} ms`)
const number = (value: number): string => value.toLocaleString('en-US')

const toTable = (head: string[], leftAligned: number, rows: string[][]): string => {
  const colAligns = head.map((_, column) => (column < leftAligned ? 'left' : 'right'))
  const table = new Table({ head, colAligns, style: { ...NO_COLOURS, compact: true } })
  table.push(...rows)
  return table.toString()
}

const queueTable = (rows: readonly QueueRow[]): string =>
  toTable(
    ['queue', 'expected', 'sent', 'opened', 'refused', 'median', 'p95', 'wire bytes', 'plaintext'],
    1,
    rows.map((row) => [
      row.queue,
      ...[row.expected, row.sent, row.opened, row.refused].map(number),
      ...[ms(row.medianMs), ms(row.p95Ms)],
      ...[row.wireBytes, row.plaintextWindows].map(number),
    ]),
  )

const outcomeOf = ({ refused, passed }: AttackRow): string => {
  if (passed) return 'PASSED'
  return refused ? 'refused' : 'UNDECIDED'
}

const attackTable = (rows: readonly AttackRow[]): string =>
  toTable(
    ['the attacker …', 'outcome', 'refusal', 'dead letter', 'others opened'],
    4,
    rows.map((row) => [
      row.description,
      outcomeOf(row),
      ...[row.code, row.reason],
      `${row.bystandersOpened} of ${row.bystanders}`,
    ]),
  )

/** Returns the two tables and the verdict, for people. */
export function reportText({ queues, attacks, failures, received, routed, opened, ignored }: Result): string {
  const refused = attacks.filter((attack) => attack.refused).length
  const verdict =
    failures.length === 0
      ? [
          `All is well: ${opened} of ${routed} messages opened by their bots, ${refused} of ${attacks.length} attacks refused.`,
        ]
      : ['Not all is well:', ...failures.map((sentence) => `- ${sentence}`)]
  return [
    `${received} deliveries received, ${routed} sent to queues, ${ignored} that no bot asked for.`,
    queueTable(queues),
    'plaintext: eight bytes in a row of some posted body that also stand in what the broker stored',
    '',
    'Then somebody with full access to the broker, and without a key:',
    attackTable(attacks),
    '',
    ...verdict,
    '',
  ].join('\n')
}

/** Returns the result as one line for programs. */
export const reportLine = ({ received, routed, opened, ignored, attacks, ...rest }: Result): string =>
  JSON.stringify({
    ...{ received, routed, opened, ignored },
    attacks: attacks.map(({ name, refused, reason, code, passed }) => ({ name, refused, reason, code, passed })),
    plaintextWindowsAtBroker: rest.plaintextWindowsAtBroker,
    queues: rest.queues,
    failures: rest.failures,
  })
