import { describe, expect, it } from 'vitest'
import { openLab, settleAll, slowly, snapshotOf } from './lab-helpers.ts'

const REJECTED = 'qr.rejected'
const UNREADABLE = 'qr.unreadable'

/** The attacks of protocol.md 9 that somebody at the broker can do, and what each must come to. */
const EXPECTED: readonly (readonly [
  number: number,
  name: string,
  outcome: string,
  code: string | null,
  reason: string | null,
])[] = [
  [2, 'flip-bit', 'refused', 'AuthenticationFailed', REJECTED],
  [3, 'truncate', 'refused', 'InvalidEnvelope', REJECTED],
  [4, 'append', 'refused', 'InvalidEnvelope', REJECTED],
  [7, 'forge', 'refused', 'AuthenticationFailed', REJECTED],
  [8, 'swap-bodies', 'refused', 'AuthenticationFailed', REJECTED],
  [9, 're-post', 'refused', 'AuthenticationFailed', REJECTED],
  [10, 'move-session', 'refused', 'AuthenticationFailed', REJECTED],
  [13, 'change-correlation', 'refused', 'AuthenticationFailed', REJECTED],
  [14, 'look-fresh', 'refused', 'AuthenticationFailed', REJECTED],
  [15, 'look-old', 'refused', 'AuthenticationFailed', REJECTED],
  [16, 'hold-back', 'refused', 'MessageExpired', 'qr.expired'],
  [18, 'replay', 'settled', 'NonceReused', null],
  [19, 'two-at-once', 'settled', 'NonceReused', null],
  [26, 'inject-plaintext', 'refused', 'UnencryptedMessage', REJECTED],
  [28, 'other-version', 'refused', 'UnsupportedVersion', UNREADABLE],
  [30, 'flood-key-ids', 'refused', 'KeyNotFound', UNREADABLE],
  [31, 'key-id-path', 'refused', 'InvalidEnvelope', REJECTED],
  [32, 'redirect-key', 'refused', 'AuthenticationFailed', REJECTED],
  [34, 'move-queue', 'refused', 'KeyNotFound', UNREADABLE],
  [17, 'replay-untracked', 'accepted', null, null],
  [34, 'copy-shared-key', 'accepted', null, null],
  [37, 'edit-attribute', 'accepted', null, null],
  [44, 'reorder', 'accepted', null, null],
]

describe('the attack lab (DR5)', { timeout: 60_000 }, () => {
  it('has a button for each attack of the list, the limits marked as such', async () => {
    const { url } = await openLab()
    const { attacks, hasLab } = await snapshotOf(url)
    expect(hasLab).toBe(true)
    expect(attacks.map(({ number, name }) => [number, name])).toEqual(EXPECTED.map(([number, name]) => [number, name]))
    expect(attacks.filter(({ isLimit }) => isLimit).map(({ number }) => number)).toEqual([17, 34, 37, 44])
  })

  it.each(EXPECTED)('attack %d, %s, is %s', async (_, name, outcome, code, reason) => {
    const { demo, lab, url, warnings } = await openLab({ perSecond: 20 })
    const result = await lab.attack(name)
    expect(result).toMatchObject({
      ...{ name, outcome },
      codes: code === null ? [] : [code],
      deadLetter: reason === null ? null : { reason },
      tried: expect.stringMatching(/^The attacker .*\.$/),
    })
    await expect.poll(() => demo.books.tally.read, { timeout: 5_000 }).toBeGreaterThan(3)
    await settleAll({ demo, lab })
    const { posted, read, taken, wrong } = demo.books.tally
    expect({ lost: posted - read - taken, wrong }).toEqual({ lost: 0, wrong: 0 })
    expect(warnings).toEqual([])
    // The rows that the result names can be looked at, as they were at the broker.
    const { results, messages } = await snapshotOf(url)
    expect(results).toEqual([result])
    for (const key of result.messages.slice(0, 10)) {
      expect(messages.find((row) => row.key === key)).toMatchObject({ attack: name })
      const { answer } = await lab.call(`/messages/${key}`)
      expect(answer).toMatchObject({ key, attack: name, hex: expect.stringMatching(/^([0-9a-f]{2})+$/) })
      expect(answer.text === null).toBe(outcome === 'refused' || answer.refusal !== null)
    }
  })

  it('tells what each error means beside its code', async () => {
    const { lab } = await openLab()
    expect((await lab.attack('truncate')).happened).toContain('InvalidEnvelope (truncated)')
    expect((await lab.attack('append')).happened).toContain('InvalidEnvelope (trailing_bytes)')
    expect((await lab.attack('key-id-path')).happened).toContain('InvalidEnvelope (key_id_charset)')
    expect((await lab.attack('two-at-once')).happened).toContain('NonceReused (in-flight), NonceReused (completed)')
    // On a busy machine they come in several waves, each with its own pauses.
    expect((await lab.attack('flood-key-ids')).happened).toMatch(
      /In \d+ s the key store was asked \d{1,2} times because of/,
    )
    expect((await lab.attack('edit-attribute')).happened).toContain('lists github-event alone')
  })

  it('leaves no bot with the key of another one', async () => {
    const { lab } = await openLab()
    expect((await lab.attack('copy-shared-key')).outcome).toBe('accepted')
    expect((await lab.attack('move-queue')).outcome).toBe('refused')
  })

  it('lets nobody else grow old when it skips time', async () => {
    const { demo, lab, url } = await openLab({ perSecond: 40, seams: { provider: slowly } })
    await expect.poll(() => demo.books.due().length, { timeout: 5_000 }).toBeGreaterThan(3)
    expect((await lab.attack('hold-back')).outcome).toBe('refused')
    await settleAll({ demo, lab })
    const { queues } = await snapshotOf(url)
    expect(queues.map(({ totals }) => totals.deadLetters)).toEqual([1, 0, 0])
  })
})
