import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { NonceIdentity } from '@queue-runtime/crypto'
import { identity, type NonceSetup } from './bench.ts'
import type { NonceCase } from './case.ts'
import { LASTS, type PathCall, storePaths } from './paths.ts'

/** Envelopes that are asked about at the same moment. */
const AT_ONCE = 200

/** A path, led along with an envelope of its own. */
interface Run {
  readonly calls: readonly PathCall[]
  readonly id: NonceIdentity
  wrong: string | undefined
}

const ask = async ({ store, tickMs }: NonceSetup, id: NonceIdentity, { row, token }: PathCall): Promise<unknown> => {
  const leaseMs = (LASTS[row].lease * tickMs) / 2
  const retainMs = (LASTS[row].retain * tickMs) / 2
  const own = { ...id, token }
  if (row === 'renew') return store.renew(own, leaseMs)
  if (row === 'confirm' || row === 'release') return store[row](own, retainMs)
  const [answer] = await store.claim([{ ...own, leaseMs, retainMs, stale: row === 'claim stale' }])
  return answer
}

/** Makes the calls of one tick; a path that went wrong ends. */
const goOn = async (setup: NonceSetup, run: Run, tick: number): Promise<void> => {
  for (const call of run.calls) {
    if (call.atTick !== tick || run.wrong !== undefined) continue
    const answer = await ask(setup, run.id, call)
    if (answer === call.answer) continue
    const way = run.calls.map(({ atTick, row, token }) => `${atTick}: ${row} by ${token}`).join(', ')
    run.wrong = `${answer} instead of ${call.answer} for ${call.row} at tick ${tick} of [${way}]`
  }
}

/** Leads a store along all paths side by side, so that time passes once for all. */
async function drive(setup: NonceSetup, paths: readonly PathCall[][]): Promise<string[]> {
  const { time, tickMs } = setup
  const scope = randomUUID()
  const runs: Run[] = paths.map((calls) => ({ calls, id: identity({ scope }), wrong: undefined }))
  const last = Math.max(...paths.map((calls) => calls.at(-1)?.atTick ?? 0))
  const start = time.clock.now()
  for (let tick = 0; tick <= last; tick += 1) {
    const begun = start + tick * tickMs
    await time.advance(Math.max(0, begun - time.clock.now()))
    const due = runs.filter(({ calls }) => calls.some(({ atTick }) => atTick === tick))
    for (let at = 0; at < due.length; at += AT_ONCE) {
      await Promise.all(due.slice(at, at + AT_ONCE).map((run) => goOn(setup, run, tick)))
    }
    const tookMs = time.clock.now() - begun
    assert.ok(tookMs < tickMs / 2, `tickMs is too short: ${due.length} paths took ${tookMs} ms`)
  }
  return runs.flatMap(({ wrong }) => wrong ?? [])
}

/** The table again, on every record that any order of calls brings about. */
export const pathCase: NonceCase = {
  name: 'in whatever order two deliveries and time come along, each call is answered by the table',
  requirement: 'protocol.md 5, NR2',
  catches: [
    'grants what was completed',
    'completes what it grants',
    'looks at no lease',
    'lets no lease lapse',
    'releases for anybody',
    'renews for anybody',
    'forgets what is released',
    'completes what is released',
    'grants a stale message that it never saw',
    'refuses what comes back late',
    'drops records early',
  ],
  async run(setup) {
    const wrong = await drive(setup, storePaths(setup.tickMs))
    assert.deepEqual(wrong.slice(0, 5), [])
  },
}
