import { describe, expect, it } from 'vitest'
import { LAB_ATTACKS } from '../../src/attacks/all.ts'
import { hurry, openLab, settleAll, snapshotOf } from './lab-helpers.ts'

const BACKENDS = [
  { queue: 'azure', keys: 'azure', nonces: 'redis' },
  { queue: 'sqs', keys: 'aws', nonces: 'redis' },
] as const

/** The long run plays all of them; else one of each kind of outcome. */
const isLong = Number(process.env.TEST_SCALE ?? 1) > 1
const SOME = ['flip-bit', 'hold-back', 'replay', 'flood-key-ids', 'redirect-key', 'replay-untracked']
const OUTAGES = ['keys', 'nonces', 'broker'] as const

/** One house for all of it: some local servers take a while to start. */
describe.each(BACKENDS)('the lab on local servers: $queue, $keys and $nonces', { timeout: 300_000 }, (backends) => {
  it('stops the same attacks, rotates keys in the store itself, and loses nothing in three outages', async () => {
    const { demo, lab, url, warnings } = await openLab({ backends, perSecond: 10 })
    const { attacks, backends: shown } = await snapshotOf(url)
    expect(shown).toEqual(backends)

    const unavailable = attacks.filter((info) => info.unavailable !== null)
    expect(unavailable.map(({ name }) => name)).toEqual(backends.queue === 'sqs' ? ['two-at-once'] : [])
    for (const { name, unavailable: message } of unavailable) {
      expect(await lab.call(`/lab/attacks/${name}`, {})).toEqual({
        status: 409,
        answer: { error: 'unavailable', message },
      })
    }
    const played = LAB_ATTACKS.filter(({ name }) => isLong || SOME.includes(name))
    for (const { name, limit } of played.filter(({ name }) => unavailable.every((info) => info.name !== name))) {
      const { outcome, happened } = await lab.attack(name)
      const expected = limit === undefined ? expect.stringMatching(/^(refused|settled)$/) : 'accepted'
      expect([name, outcome, happened]).toEqual([name, expected, expect.any(String)])
    }

    const { keys } = await lab.rotate('spec-sentinel')
    expect(keys.map(({ isCurrent }) => isCurrent)).toEqual([true, false])

    for (const name of OUTAGES) {
      await lab.traffic(true)
      await lab.outage(name, true)
      const stopped = async () => (await snapshotOf(url)).queues.filter(({ intake }) => intake !== 'running').length
      await hurry(demo, async () => (await stopped()) === 3, 60_000)
      await expect.poll(() => demo.books.due().length, { timeout: 5_000 }).toBeGreaterThan(3)
      await lab.outage(name, false)
      await settleAll({ demo, lab })
      const { posted, read, taken, wrong } = demo.books.tally
      expect([name, { lost: posted - read - taken, wrong }]).toEqual([name, { lost: 0, wrong: 0 }])
    }
    expect(warnings).toEqual([])
  })
})
