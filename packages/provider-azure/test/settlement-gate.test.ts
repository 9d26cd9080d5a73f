import type { Delivery } from '@queue-runtime/core/provider'
import { expect, it } from 'vitest'
import { createSettlementGate } from '../src/settlement-gate.ts'
import { randomFrom } from './random.ts'
import { scaled } from './scale.ts'
import { local, send, takeAll, textOf, wire } from './support.ts'

const here = local()

const SEED = Number(process.env.SETTLE_SEED ?? 20_260_101)

/** What may be asked for, and what the broker shows of it. */
const ENDS: Readonly<Record<string, (delivery: Delivery) => Promise<void>>> = {
  completed: (delivery) => delivery.complete(),
  abandoned: (delivery) => delivery.abandon({ delayMs: 0 }),
  'dead letter a': (delivery) => delivery.deadLetter({ reason: 'a' }),
  'dead letter b': (delivery) => delivery.deadLetter({ reason: 'b', description: 'of b' }),
}

type Fates = Readonly<Record<string, string>>

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/**
 * Settles messages that were delivered in one go as `ends` asks, so many in each tick, all under way at once; returns what was
 * asked for and what came of it.
 */
async function settleAtOnce(
  ends: readonly string[],
  inTick: () => number = () => ends.length,
): Promise<{ asked: Fates; came: Fates }> {
  const { queue: make, open, look } = here()
  const queue = make()
  const transport = open(queue)
  await send(transport, ...ends.map((_, index) => wire(String(index))))
  const deliveries = await takeAll(transport, ends.length)
  const asked: Record<string, string> = Object.fromEntries(ends.map((end, index) => [String(index), end]))
  const settled: (Promise<void> | undefined)[] = []
  for (let rest = [...deliveries]; rest.length > 0; await tick()) {
    settled.push(...rest.splice(0, inTick()).map((delivery) => ENDS[asked[textOf(delivery)] ?? '']?.(delivery)))
  }
  await Promise.all(settled)
  const came: Record<string, string> = Object.fromEntries(ends.map((_, index) => [String(index), 'completed']))
  for (const { body, deliveryCount } of look(queue).messages()) {
    came[String(Buffer.from(body as Uint8Array))] = deliveryCount > 0 ? 'abandoned' : 'untouched'
  }
  for (const { body, applicationProperties } of look(queue).deadLetters()) {
    came[String(Buffer.from(body as Uint8Array))] = `dead letter ${applicationProperties.DeadLetterReason}`
  }
  return { asked, came }
}

it.for([
  [['completed', 'dead letter a']],
  [['abandoned', 'completed', 'completed']],
  [['dead letter a', 'dead letter b']],
  [['dead letter a', 'abandoned', 'dead letter b', 'completed']],
] as const)('settled in one tick, each comes to its own end: %j (field-notes 1.6)', async ([ends]) => {
  const { asked, came } = await settleAtOnce(ends)
  expect(came).toEqual(asked)
})

/** Long runs of one kind as well as changes at each step. The first two are those of which one would be lost. */
const anyEnds = (count: number, random: () => number): string[] => {
  const kinds = Object.keys(ENDS)
  let kind = 0
  const ends = Array.from({ length: count }, () => {
    if (random() < 0.4) kind = Math.floor(random() * kinds.length)
    return kinds[kind] ?? ''
  })
  return ['completed', 'dead letter a', ...ends.slice(2)]
}

it(`of ${scaled(1_000)} settlements at once each has the outcome that was asked for, seed ${SEED} (field-notes 1.6)`, async () => {
  const { asked, came } = await settleAtOnce(anyEnds(scaled(1_000), randomFrom(SEED)))
  expect(came).toEqual(asked)
})

it(`of ${scaled(1_000)} settlements, some in each tick, each has the outcome that was asked for, seed ${SEED} (field-notes 1.6)`, async () => {
  const random = randomFrom(SEED)
  const ends = anyEnds(scaled(1_000), random)
  const { asked, came } = await settleAtOnce(ends, () => 1 + Math.floor(random() * 12))
  expect(came).toEqual(asked)
})

it('completions alone are started in the tick in which they are asked for (field-notes 1.6)', async () => {
  const gate = createSettlementGate()
  let started = 0
  const settle = async (): Promise<void> => {
    started += 1
  }
  const all = Array.from({ length: 100 }, () => gate.run(true, settle))
  expect(started).toBe(100)
  await Promise.all(all)
})

it('what is no completion has a tick of its own, and all keep their order (field-notes 1.6)', async () => {
  const gate = createSettlementGate()
  let ticks = 0
  let isOver = false
  const count = (): void => {
    ticks += 1
    if (!isOver) setImmediate(count)
  }
  setImmediate(count)
  const started: (readonly [name: string, tick: number])[] = []
  const run = (name: string): Promise<void> =>
    gate.run(name.startsWith('c'), async () => {
      started.push([name, ticks])
    })
  await Promise.all(['c1', 'a1', 'a2', 'c2', 'c3', 'a3'].map(run))
  await Promise.all(['c4', 'c5'].map(run))
  isOver = true
  expect(started.map(([name]) => name)).toEqual(['c1', 'a1', 'a2', 'c2', 'c3', 'a3', 'c4', 'c5'])
  const ofTick = Map.groupBy(started, ([, tick]) => tick)
  for (const [, together] of ofTick) {
    const names = together.map(([name]) => name)
    expect(names.length === 1 || names.every((name) => name.startsWith('c')), names.join()).toBe(true)
  }
})

it('a settlement that fails holds nobody up (field-notes 1.6)', async () => {
  const gate = createSettlementGate()
  const failing = gate.run(false, () => Promise.reject(new Error('no')))
  const next = gate.run(false, async () => 'next')
  const last = gate.run(true, async () => 'last')
  await expect(failing).rejects.toThrow('no')
  expect(await Promise.all([next, last])).toEqual(['next', 'last'])
})
