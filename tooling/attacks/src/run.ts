import { setTimeout as sleep } from 'node:timers/promises'
import type { Observed, Row } from './attack.ts'
import { createGround } from './ground.ts'
import type { Library } from './library.ts'

/** What came of one row: `outcome` is what was observed, or why there was nothing to observe. */
export interface Result {
  readonly row: Row
  readonly status: 'passed' | 'failed' | 'skipped'
  readonly outcome: string
  readonly facts: NonNullable<Observed['facts']>
}

/** An attack that has not ended by then hangs: each takes well under a second. */
const LIMIT_MS = 20_000

/** Carries out one row against a library, on a ground of its own. Never rejects. */
export async function runRow(row: Row, library: Library, limitMs: number = LIMIT_MS): Promise<Result> {
  if ('skipped' in row) return { row, status: 'skipped', outcome: row.skipped, facts: {} }
  const ground = createGround(library)
  const ended = new AbortController()
  const limit = sleep(limitMs, { outcome: `not ended after ${limitMs} ms`, facts: {} }, { signal: ended.signal })
  try {
    const { outcome, facts = {} } = await Promise.race<Observed>([row.run(ground), limit])
    return { row, status: outcome === row.expected ? 'passed' : 'failed', outcome, facts }
  } catch (error) {
    return { row, status: 'failed', outcome: `the attack broke off: ${String(error)}`, facts: {} }
  } finally {
    ended.abort()
    limit.catch(() => {})
    // A library that is broken on purpose may never finish closing, and nobody needs it to.
    ground.close().catch(() => {})
  }
}
