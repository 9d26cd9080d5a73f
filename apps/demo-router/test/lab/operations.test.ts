import { describe, expect, it } from 'vitest'
import { listen, openLab, settleAll, slowly, snapshotOf, statusOf } from './lab-helpers.ts'

const QUEUE = 'merge-warden'

describe('a rotation (DR5)', { timeout: 60_000 }, () => {
  it('makes a new key current while messages flow; what was sealed before is still opened', async () => {
    const { demo, lab, url, warnings } = await openLab({ perSecond: 40 })
    const page = await listen(url)
    const isRead = (keyId: string) => () =>
      page.all('message').filter((row) => row.keyId === keyId && row.stage === 'completed').length
    await expect.poll(isRead('key-b'), { timeout: 5_000 }).toBeGreaterThan(0)
    const { keys } = await lab.rotate(QUEUE)
    expect(keys.map(({ id, isCurrent }) => [id, isCurrent])).toEqual([
      ['key-b-2', true],
      ['key-b', false],
    ])
    const [fresh, old] = keys
    expect(fresh?.createdAt).toBeGreaterThanOrEqual(old?.createdAt ?? Number.NaN)
    await expect.poll(isRead('key-b-2'), { timeout: 5_000 }).toBeGreaterThan(0)
    await settleAll({ demo, lab })
    const { posted, read } = demo.books.tally
    expect(read).toBe(posted)
    const status = statusOf(await snapshotOf(url), QUEUE)
    expect(status?.totals).toMatchObject({ refused: 0, deadLetters: 0 })
    expect(warnings).toEqual([])
  })

  it('leaves the keys of the other queues alone', async () => {
    const { lab, url } = await openLab()
    await lab.rotate(QUEUE)
    expect(statusOf(await snapshotOf(url), 'spec-sentinel')?.keys.map(({ id }) => id)).toEqual(['key-c'])
  })
})

describe('a roll-out (DR4)', { timeout: 60_000 }, () => {
  it('goes from plaintext over allow-with-alert to reject, and loses nothing on the way', async () => {
    const { demo, lab, url, warnings } = await openLab({ perSecond: 40 })
    const flow = async (sealed: boolean) => {
      const page = await listen(url)
      const isIt = () =>
        page.all('message').some((row) => row.queue === QUEUE && row.stage === 'completed' && row.sealed === sealed)
      await expect.poll(isIt, { timeout: 5_000 }).toBe(true)
      page.close()
    }
    expect(await lab.mode(QUEUE, 'plaintext', false)).toMatchObject({ mode: 'plaintext', seals: false })
    await flow(false)
    // The receivers have their keys already: whatever the sender does arrives.
    expect(await lab.mode(QUEUE, 'allow-with-alert', false)).toMatchObject({ mode: 'allow-with-alert', seals: false })
    await flow(false)
    expect(await lab.mode(QUEUE, 'allow-with-alert', true)).toMatchObject({ mode: 'allow-with-alert', seals: true })
    await flow(true)
    expect(await lab.mode(QUEUE, 'reject', true)).toMatchObject({ mode: 'reject', seals: true })
    await flow(true)
    await settleAll({ demo, lab })
    const { posted, read, wrong } = demo.books.tally
    expect({ read, wrong }).toEqual({ read: posted, wrong: 0 })
    // A point comes when its second is over.
    const kinds = async () => {
      const own = (await snapshotOf(url)).points.filter((point) => point.queue === QUEUE)
      return [own.some(({ plaintext }) => plaintext > 0), own.some(({ sealed }) => sealed > 0)]
    }
    await expect.poll(kinds, { timeout: 5_000 }).toEqual([true, true])
    const { points, queues } = await snapshotOf(url)
    expect(points.filter((point) => point.queue !== QUEUE).every(({ plaintext }) => plaintext === 0)).toBe(true)
    expect(queues.map(({ totals }) => totals.deadLetters)).toEqual([0, 0, 0])
    expect(warnings).toEqual([])
  })

  it('in one step waits for what was sent before: a receiver that takes less comes last', async () => {
    const { demo, lab, url } = await openLab({ perSecond: 60, seams: { provider: slowly } })
    await lab.mode(QUEUE, 'plaintext', false)
    const plaintext = async () =>
      (await snapshotOf(url)).messages.filter((row) => row.queue === QUEUE && !row.sealed).length
    await expect.poll(plaintext, { timeout: 5_000 }).toBeGreaterThan(5)
    await lab.mode(QUEUE, 'reject', true)
    await settleAll({ demo, lab })
    expect(statusOf(await snapshotOf(url), QUEUE)?.totals).toMatchObject({ refused: 0, deadLetters: 0 })
    expect(demo.books.tally.read).toBe(demo.books.tally.posted)
  })

  it('that goes too fast is seen, and its messages are redriven once the receiver takes them', async () => {
    const { demo, lab, url } = await openLab({ perSecond: 40 })
    await lab.mode(QUEUE, 'reject', false)
    const refused = async () => statusOf(await snapshotOf(url), QUEUE)?.totals.deadLetters ?? 0
    await expect.poll(refused, { timeout: 5_000 }).toBeGreaterThan(1)
    await lab.mode(QUEUE, 'allow-with-alert', true)
    const letters = await refused()
    expect(await lab.redrive(QUEUE)).toEqual({ redriven: letters, skipped: 0, failed: 0 })
    await settleAll({ demo, lab })
    expect(demo.books.tally.read).toBe(demo.books.tally.posted)
    expect(await refused()).toBe(0)
  })

  it('of the attacked queue must be over before an attack', async () => {
    const { lab } = await openLab()
    await lab.mode('task-tactician', 'allow-with-alert', true)
    expect(await lab.call('/lab/attacks/inject-plaintext', {})).toMatchObject({
      status: 409,
      answer: { error: 'mode' },
    })
  })
})

describe('a redrive (D3, D5)', { timeout: 60_000 }, () => {
  it('brings back what had only grown old, sealed anew, and nothing that was altered', async () => {
    const { demo, lab, url } = await openLab()
    await lab.attack('flip-bit')
    const { deadLetter } = await lab.attack('hold-back')
    expect(await lab.redrive('task-tactician')).toEqual({ redriven: 1, skipped: 0, failed: 1 })
    const isRead = async () =>
      (await snapshotOf(url)).messages
        .filter((row) => row.messageId === deadLetter?.messageId)
        .map(({ stage }) => stage)
    await expect.poll(isRead, { timeout: 5_000 }).toEqual(['completed', 'dead', 'gone'])
    await settleAll({ demo, lab })
    expect(statusOf(await snapshotOf(url), 'task-tactician')?.totals.deadLetters).toBe(1)
  })
})
