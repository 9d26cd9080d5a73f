import { describe, expect, it } from 'vitest'
import { LAB_ATTACKS } from '../../src/attacks/all.ts'
import { QUEUES } from '../../src/github/routes.ts'
import { hurry, openLab, settleAll, snapshotOf } from './lab-helpers.ts'

/** mulberry32: small, and the same everywhere. */
const randomOf = (seed: number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const SEED = Number(process.env.LAB_SEED ?? 1)
const STEPS = 12 * Number(process.env.TEST_SCALE ?? 1)
const OUTAGES = ['keys', 'nonces', 'broker'] as const
const STANCES = [
  ['plaintext', false],
  ['plaintext', true],
  ['allow-with-alert', false],
  ['allow-with-alert', true],
  ['reject', false],
  ['reject', true],
] as const

describe('buttons in any order', { timeout: 600_000 }, () => {
  it(`lose nothing, and let no attack pass (seed ${SEED}, ${STEPS} steps)`, async () => {
    const random = randomOf(SEED)
    const any = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T
    const { demo, lab, url, warnings } = await openLab({ perSecond: 30 })
    const others = QUEUES.filter((queue) => queue !== 'task-tactician')
    const steps: string[] = []
    const misfits = new Set<string>()
    const areRunning = async () => (await snapshotOf(url)).queues.every(({ intake }) => intake === 'running')

    const actions: readonly (() => Promise<unknown>)[] = [
      async () => {
        const { name, limit } = any(LAB_ATTACKS)
        steps.push(name)
        const { outcome, happened } = await lab.attack(name)
        expect([name, outcome === 'failed', outcome === 'accepted', happened]).toEqual([
          ...[name, false, limit !== undefined],
          expect.any(String),
        ])
      },
      async () => {
        const queue = any(QUEUES)
        steps.push(`rotate ${queue}`)
        await lab.rotate(queue)
      },
      async () => {
        const [queue, [mode, seals]] = [any(others), any(STANCES)]
        steps.push(`${queue} ${mode} ${seals}`)
        await lab.mode(queue, mode, seals)
        if (mode === 'reject' && !seals) misfits.add(queue)
      },
      async () => {
        const queue = any(QUEUES)
        steps.push(`redrive ${queue}`)
        await lab.redrive(queue)
      },
      async () => {
        const name = any(OUTAGES)
        steps.push(`outage ${name}`)
        await lab.outage(name, true)
        const until = demo.clock.now() + 20_000 * random()
        await hurry(demo, () => demo.clock.now() > until)
        await lab.outage(name, false)
        await lab.traffic(false)
        // What was refused for plaintext meanwhile waits among the dead letters.
        const areIn = () => QUEUES.every((queue) => misfits.has(queue) || demo.books.due(queue).length === 0)
        await hurry(demo, async () => areIn() && (await areRunning()))
        await lab.traffic(true)
      },
    ]
    for (let step = 0; step < STEPS; step += 1)
      await any(actions)().catch((error: unknown) => {
        throw new Error(`After ${steps.join(', ')}`, { cause: error })
      })

    // What a receiver refused that was stricter than its sender comes back once it is not.
    await lab.traffic(false)
    for (const queue of others) {
      await lab.mode(queue, 'allow-with-alert', true)
      await lab.redrive(queue)
    }
    await settleAll({ demo, lab })
    const { posted, read, taken, wrong } = demo.books.tally
    expect({ lost: posted - read - taken, wrong, steps }).toEqual({ lost: 0, wrong: 0, steps })
    expect(await areRunning()).toBe(true)
    expect(warnings).toEqual([])
  })
})
