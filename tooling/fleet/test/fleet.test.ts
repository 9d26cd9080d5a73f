import { randomBytes } from 'node:crypto'
import { whyMissing } from '@queue-runtime/system-tools'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Wrongs } from '../src/judge.ts'
import { type Report, runFleet } from '../src/run.ts'
import { sabotages } from '../src/sabotage.ts'

const isLong = Number(process.env.TEST_SCALE ?? 1) > 1
const seed = Number(process.env.TEST_SEED ?? (isLong ? randomBytes(4).readUInt32BE() : 20_261_123))
const timeout = isLong ? 900_000 : 240_000

const missing = await whyMissing('redis')
beforeEach((context) => context.skip(missing !== undefined, missing))

const found = ({ wrongs, stuck }: Report) => ({ ...wrongs, stuck })

const nothing: Wrongs & { stuck: number } = {
  lost: [],
  handledAfterConfirm: [],
  grantedAfterConfirm: [],
  confirmedTwice: [],
  deletedUnconfirmed: [],
  forged: [],
  unsettled: [],
  wronglyBuried: [],
  stuck: 0,
}

const tell = ({ seed, seconds, figures, weather }: Report): void => {
  process.stdout.write(`fleet, seed ${seed}, ${seconds} s: ${JSON.stringify({ ...figures, weather })}\n`)
}

// Side by side: each waits more than it works.
describe.concurrent('processes on one queue, an attacker who copies every envelope, and Redis stopped, paused and failed over', () => {
  const messages = isLong ? 10_000 : 500

  test(
    `seed ${seed}: every message is handled, none after its confirm, and every copy is refused or a duplicate (NR1, NR2, I2, I5, A29)`,
    async () => {
      const report = await runFleet({ seed, messages })
      tell(report)
      expect(found(report)).toEqual(nothing)
      // It was bad weather indeed, and the attacker was at work.
      const { figures, weather } = report
      expect(Object.values(weather.outages)).not.toContain(0)
      expect(weather.outages.failover).toBe(1)
      expect(weather.kills).toBeGreaterThan(2)
      expect(figures).toMatchObject({ sent: messages })
      expect(figures.duplicates + figures.takenFirst).toBeGreaterThanOrEqual(messages)
      expect([figures.repeated, figures.takenFirst, figures.refused]).not.toContain(0)
      expect(figures.diedUnconfirmed + figures.diedUndeleted).toBeGreaterThan(0)
      expect(figures.refusals.NonceStoreUnavailable).toBeGreaterThan(0)
    },
    timeout,
  )
})

/** What is found first of all, by sabotage. The short run has those that take a fleet to be seen. */
const caught: readonly (readonly [sabotage: string, wrong: keyof Wrongs, inShort: boolean])[] = [
  ['the store grants always', 'handledAfterConfirm', true],
  ['no confirm is made', 'grantedAfterConfirm', false],
  ['there is no store', 'handledAfterConfirm', false],
  ['a confirm waits for no replica', 'grantedAfterConfirm', true],
  ['messages are deleted before they are handled', 'deletedUnconfirmed', false],
]

describe.concurrent('the run shows', () => {
  test.each(caught.filter(([, , inShort]) => isLong || inShort))(
    'that %s: %s',
    async (sabotage, wrong) => {
      const report = await runFleet({ seed: 5, messages: 500, sabotage })
      expect(report.wrongs[wrong]).not.toEqual([])
    },
    timeout,
  )

  test('every sabotage there is', () => {
    expect(caught.map(([name]) => name)).toEqual(Object.keys(sabotages))
  })
})
