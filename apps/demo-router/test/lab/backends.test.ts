import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { LAB_ATTACKS } from '../../src/attacks/all.ts'
import type { BackendNames } from '../../src/backends/backends.ts'
import { openLab, settleAll, snapshotOf, statusOf } from './lab-helpers.ts'

const isLong = Number(process.env.TEST_SCALE ?? 1) >= 10

/** One of each kind: an altered body, skipped time, a copy, a key of another queue, one whose key is waited for. */
const FEW = ['flip-bit', 'hold-back', 'replay', 'redirect-key', 'flood-key-ids']

const outcomeOf = new Map([
  ['replay', 'settled'],
  ['two-at-once', 'settled'],
  ...LAB_ATTACKS.filter(({ limit }) => limit !== undefined).map(({ name }) => [name, 'accepted'] as const),
])

describe('the lab on other backends', { timeout: 240_000 }, () => {
  it.each<BackendNames>([
    { queue: 'sqs', keys: 'aws', nonces: 'redis' },
    { queue: 'azure', keys: 'azure', nonces: 'memory' },
  ])('attacks, cuts off and rotates on $queue, $keys and $nonces, and loses nothing', async (backends) => {
    const { demo, lab, url, warnings } = await openLab({ backends })
    expect((await snapshotOf(url)).backends).toEqual(backends)
    for (const { name } of LAB_ATTACKS.filter((attack) => isLong || FEW.includes(attack.name))) {
      const { status, answer } = await lab.call(`/lab/attacks/${name}`, {})
      // Each queue is FIFO there, and gives one message of a session at a time.
      if (name === 'two-at-once' && backends.queue === 'sqs') expect(answer.error).toBe('unavailable')
      else expect([name, status, answer.outcome]).toEqual([name, 200, outcomeOf.get(name) ?? 'refused'])
    }
    for (const name of ['keys', 'nonces', 'broker']) {
      await lab.outage(name, true)
      await delay(2_000)
      await lab.outage(name, false)
      await delay(500)
    }
    const before = (await statusOf(await snapshotOf(url), 'merge-warden'))?.keys.length ?? 0
    const { keys } = await lab.rotate('merge-warden')
    expect([keys.length, keys.filter(({ isCurrent }) => isCurrent)]).toEqual([before + 1, [keys[0]]])
    await settleAll({ demo, lab })
    const { posted, read, taken, wrong } = demo.books.tally
    expect({ lost: posted - read - taken, wrong, warnings }).toEqual({ lost: 0, wrong: 0, warnings: [] })
    expect(read).toBeGreaterThan(10)
  })
})
