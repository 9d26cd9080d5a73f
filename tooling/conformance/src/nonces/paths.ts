import { CELLS, type Column, type Row } from './table.ts'

/** How long a record outlives a renewed lease, in milliseconds (protocol.md 5, "Times"). */
const AFTER_LEASE_MS = 60_000

/** The deliveries that ask. */
const TOKENS = ['a', 'b'] as const

type Token = (typeof TOKENS)[number] | 'probe'

/** Moments are halves of ticks from now: calls are made on ticks, and all that ends does so between two of them. */
interface NonceRecord {
  readonly state: 'claimed' | 'released' | 'completed'
  readonly token: Token | undefined
  readonly leaseEnd: number
  readonly expiresAt: number
}

/** One call, made so many ticks after the beginning, and what it must be answered. */
export interface PathCall {
  readonly atTick: number
  readonly row: Row
  readonly token: string
  readonly answer: string
}

/** How long what an operation asks for lasts, in halves of ticks. */
export const LASTS: Readonly<Record<Row, { readonly lease: number; readonly retain: number }>> = {
  'claim fresh': { lease: 3, retain: 5 },
  'claim stale': { lease: 3, retain: 5 },
  confirm: { lease: 0, retain: 3 },
  release: { lease: 0, retain: 3 },
  renew: { lease: 3, retain: 0 },
}

/** From here on no path of a reasonable length sees the end of a record. */
const FOREVER = 40

const ANSWERS: ReadonlyMap<string, (typeof CELLS)[number]> = new Map(
  CELLS.map((cell) => [`${cell.row} on ${cell.column}`, cell]),
)

const columnOf = (record: NonceRecord | undefined, token: Token): Column => {
  if (record === undefined) return 'ABSENT'
  if (record.state === 'released') return 'RELEASED'
  if (record.state === 'completed') return 'COMPLETED'
  return `${record.leaseEnd > 0 ? 'live' : 'lapsed'}, ${record.token === token ? 'mine' : 'other'}`
}

/** What one operation makes of a record, by the table. */
function ask(
  record: NonceRecord | undefined,
  row: Row,
  token: Token,
  tickMs: number,
): { readonly answer: string; readonly record: NonceRecord | undefined } {
  const cell = ANSWERS.get(`${row} on ${columnOf(record, token)}`)
  if (cell === undefined) throw new Error(`The table has no cell for ${row}.`)
  const { lease, retain } = LASTS[row]
  const { answer } = cell
  switch (cell.left) {
    case 'same':
      return { answer, record }
    case 'claimed':
      return { answer, record: { state: 'claimed', token, leaseEnd: lease, expiresAt: retain } }
    case 'extended': {
      const outlived = lease + Math.floor((2 * AFTER_LEASE_MS) / tickMs)
      const expiresAt = Math.min(FOREVER, Math.max(record?.expiresAt ?? 0, outlived))
      return { answer, record: { state: 'claimed', token, leaseEnd: lease, expiresAt } }
    }
    case 'released':
    case 'completed':
      return { answer, record: { state: cell.left, token: undefined, leaseEnd: 0, expiresAt: retain } }
  }
}

const tick = (record: NonceRecord | undefined): NonceRecord | undefined => {
  if (record === undefined || record.expiresAt < 2) return undefined
  const isForEver = record.expiresAt === FOREVER
  const expiresAt = isForEver ? FOREVER : record.expiresAt - 2
  return { ...record, expiresAt, leaseEnd: Math.max(0, record.leaseEnd - 2) }
}

interface Reached {
  readonly record: NonceRecord | undefined
  readonly ticks: number
  readonly calls: readonly PathCall[]
}

const ROWS = Object.keys(LASTS) as Row[]

/** Ticks in which every lease and every record of a path ends, or is seen not to. */
const LONGEST = 4

/** Every call of one delivery on a record, made where the way there ends. */
const callsOn = ({ record, ticks, calls }: Reached, tickMs: number): Reached[] =>
  ROWS.flatMap((row) =>
    TOKENS.map((token) => {
      const { answer, record: after } = ask(record, row, token, tickMs)
      return { record: after, ticks, calls: [...calls, { atTick: ticks, row, token, answer }] }
    }),
  )

/**
 * The shortest way to every operation on every record that two deliveries can bring about; then, so many ticks later, a stale
 * claim of a stranger, which shows what the operation has left behind. With what each call must be answered by the table.
 */
export function storePaths(tickMs: number): PathCall[][] {
  const seen = new Set<string>(['undefined'])
  const open: Reached[] = [{ record: undefined, ticks: 0, calls: [] }]
  const paths: PathCall[][] = []

  const visit = (reached: Reached): void => {
    const text = String(JSON.stringify(reached.record))
    if (seen.has(text)) return
    seen.add(text)
    open.push(reached)
  }

  for (const from of open) {
    visit({ ...from, record: tick(from.record), ticks: from.ticks + 1 })
    for (const asked of callsOn(from, tickMs)) {
      visit(asked)
      let { record } = asked
      for (let later = 0; later <= LONGEST; later += 1) {
        const { answer } = ask(record, 'claim stale', 'probe', tickMs)
        paths.push([...asked.calls, { atTick: asked.ticks + later, row: 'claim stale', token: 'probe', answer }])
        record = tick(record)
      }
    }
  }
  return paths
}
