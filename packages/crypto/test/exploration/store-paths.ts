import type { NonceStore } from '../../src/nonce-store.ts'
import type { NonceAnswer, NonceOperation } from '../../src/nonce-table.ts'
import { explore } from './explore.ts'
import { createModel, type ModelStep } from './model.ts'
import { NAMES, TICK_MS } from './state.ts'
import { real } from './subject.ts'

/** One call of a store, so many ticks after the beginning, and what it must answer. */
export interface PathCall {
  readonly atTick: number
  readonly operation: NonceOperation
  readonly answer: NonceAnswer
}

/** The calls of the store on a way through the model. Deliveries get tokens of their own, as real ones have. */
const callsOn = (path: readonly ModelStep[]): PathCall[] => {
  const deliveries = [0, 0]
  const calls: PathCall[] = []
  let atTick = 0
  for (const { event, call } of path) {
    if (event === 'tick') atTick += 1
    else if (event !== undefined) deliveries[event] = (deliveries[event] ?? 0) + 1
    if (call === undefined) continue
    const token = `${NAMES[call.who]} ${deliveries[call.who]}`
    calls.push({ atTick, operation: { ...call.operation, token }, answer: call.answer })
  }
  return calls
}

/** Long enough, in ticks, to see the end of every lease and of every record. */
const LONGEST = 6

const PROBE: NonceOperation = { kind: 'claim', token: 'probe', leaseMs: TICK_MS, retainMs: 4 * TICK_MS, stale: true }

/**
 * The shortest ways to every operation on every record that occur in the model; then, so many ticks later, a stale claim by
 * somebody else: its answer shows what the operation wrote down. With what each call must be answered. A store that cannot be
 * explored, since it cannot be copied, can still be led along these paths.
 */
export function storePaths(bounds: { readonly copies: number; readonly faults: number }): PathCall[][] {
  const seen = new Set<string>()
  const ends: { from: number; step: ModelStep }[] = []
  const { pathTo } = explore(createModel(real, bounds), (step, from) => {
    if (step.call === undefined) return
    const place = JSON.stringify([from.state.record, step.call.operation])
    if (seen.has(place)) return
    seen.add(place)
    ends.push({ from: from.number, step })
  })
  return ends.flatMap(({ from, step }) => {
    const calls = callsOn([...pathTo(from), step])
    const end = calls.at(-1)?.atTick ?? 0
    return Array.from({ length: LONGEST + 1 }, (_, ticks) => {
      const { answer } = real.decide(step.to.record, PROBE, ticks * TICK_MS)
      return [...calls, { atTick: end + ticks, operation: PROBE, answer }]
    })
  })
}

export interface Driven {
  readonly store: NonceStore
  /** Lets time pass, for the store too. */
  advance(ms: number): Promise<void>
  /**
   * How much longer records are asked to live, in milliseconds. A store in real time is asked a little after each tick, when
   * a record that lives up to the tick is gone; this lets it live on until it was asked. Default 0
   */
  readonly graceMs?: number
}

const ask = async (
  store: NonceStore,
  nonce: Uint8Array,
  operation: NonceOperation,
  graceMs: number,
): Promise<unknown> => {
  const id = { scope: 'paths', keyId: 'k', nonce, token: operation.token }
  switch (operation.kind) {
    case 'claim': {
      const { leaseMs, retainMs, stale } = operation
      return (await store.claim([{ ...id, leaseMs, retainMs: retainMs + graceMs, stale }]))[0]
    }
    case 'renew':
      return store.renew(id, operation.leaseMs)
    case 'confirm':
    case 'release':
      return store[operation.kind](id, operation.retainMs + graceMs)
  }
}

/**
 * Leads a store along all paths side by side, each with an envelope of its own, so that time passes once for all. Resolves
 * with a line for each path on which it answered otherwise.
 */
export async function drive({ store, advance, graceMs = 0 }: Driven, paths: readonly PathCall[][]): Promise<string[]> {
  const runs = paths.map((calls, index) => {
    const nonce = Buffer.alloc(12)
    nonce.writeUInt32BE(index)
    return { calls, nonce, isWrong: false }
  })
  const wrong: string[] = []
  const goOn = async (run: (typeof runs)[number], tick: number): Promise<void> => {
    for (const { atTick, operation, answer } of run.calls) {
      if (atTick !== tick || run.isWrong) continue
      const answered = await ask(store, run.nonce, operation, graceMs)
      if (answered === answer) continue
      run.isWrong = true
      wrong.push(`${operation.kind} at tick ${tick}: ${answered} instead of ${answer}`)
    }
  }
  const last = Math.max(...paths.flatMap((calls) => calls.map(({ atTick }) => atTick)))
  for (let tick = 0; tick <= last; tick += 1) {
    if (tick > 0) await advance(TICK_MS)
    await Promise.all(runs.map((run) => goOn(run, tick)))
  }
  return wrong
}
