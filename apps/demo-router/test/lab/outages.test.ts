import { describe, expect, it } from 'vitest'
import type { QueueStatus } from '../../src/dashboard/events.ts'
import { hurry, listen, openLab, settleAll } from './lab-helpers.ts'

const OUTAGES = [
  { name: 'keys', intake: 'paused', by: /^KeyProviderError$/, down: { broker: false, keys: true, nonces: false } },
  {
    name: 'nonces',
    intake: 'paused',
    by: /^NonceStoreUnavailable$/,
    down: { broker: false, keys: false, nonces: true },
  },
  {
    name: 'broker',
    intake: 'broken',
    by: /^(ConnectionFailed|CircuitOpen)$/,
    down: { broker: true, keys: false, nonces: false },
  },
] as const

describe('an outage (R5, DR5)', { timeout: 90_000 }, () => {
  it.each(OUTAGES)(
    'of the $name stops intake, is seen to end, and loses nothing',
    async ({ name, intake, by, down }) => {
      const { demo, lab, url, warnings } = await openLab({ perSecond: 20 })
      const { books } = demo
      const page = await listen(url)
      const isShown = (wanted: string, since = 0) =>
        QUEUES_SHOWN.every((queue) =>
          page
            .all('queue')
            .slice(since)
            .some((status) => status.queue === queue && status.intake === wanted),
        )
      await expect.poll(() => books.tally.read).toBeGreaterThan(5)

      expect(await lab.outage(name, true)).toEqual(down)
      await hurry(demo, () => isShown(intake))
      const shown = page.all('queue').filter((status: QueueStatus) => status.intake === intake)
      for (const { pausedBy } of shown) expect(pausedBy).toMatch(by)
      const before = books.tally
      await expect.poll(() => books.tally.posted).toBeGreaterThan(before.posted + 5)
      expect(books.tally.read).toBe(before.read)
      expect(books.due().length).toBeGreaterThan(5)

      const since = page.all('queue').length
      expect(await lab.outage(name, false)).toEqual({ broker: false, keys: false, nonces: false })
      await settleAll({ demo, lab })
      await hurry(demo, () => isShown('running', since))
      const { posted, read, wrong } = books.tally
      expect({ read, wrong }).toEqual({ read: posted, wrong: 0 })
      expect(page.all('outages')).toEqual([down, { broker: false, keys: false, nonces: false }])
      const letters = page.all('queue').map(({ totals }) => totals.deadLetters)
      expect(Math.max(...letters)).toBe(0)
      expect(warnings).toEqual([])
    },
  )

  it('is not the time for attacks, rotations, modes and redrives, and none of them for an outage', async () => {
    const { lab } = await openLab()
    await lab.outage('nonces', true)
    for (const path of [
      '/lab/attacks/flip-bit',
      '/lab/queues/merge-warden/rotate',
      '/lab/queues/merge-warden/redrive',
    ]) {
      expect(await lab.call(path, {})).toEqual({
        status: 409,
        answer: { error: 'outage', message: 'First end the outage of the nonces.' },
      })
    }
    await lab.outage('nonces', false)
    const attack = lab.attack('redirect-key')
    await expect.poll(async () => (await lab.call('/lab/outages/keys', { on: true })).status).toBe(409)
    await attack
  })
})

const QUEUES_SHOWN = ['task-tactician', 'merge-warden', 'spec-sentinel']
