import { setTimeout as delay } from 'node:timers/promises'
import type { Page } from 'playwright-core'
import { expect, it, onTestFinished } from 'vitest'
import type { Snapshot } from '../../src/dashboard/events.ts'
import { accessibilityViolations, LOOKS, type Look, overflow, useBrowser } from './browser.ts'
import { type FakeDashboard, startFakeDashboard } from './fake-dashboard.ts'
import { ATTACKS, messageFixture, resultFixture, snapshotFixture } from './fixtures.ts'

const browser = useBrowser()

const start = async (options: Parameters<typeof startFakeDashboard>[0] = {}): Promise<FakeDashboard> => {
  const fake = await startFakeDashboard(options)
  onTestFinished(() => fake.close())
  return fake
}

/** Opens the page of a server and waits until the first message is on show. */
const show = async (fake: FakeDashboard, look: Partial<Look> = {}) => {
  if (fake.state.messages.length === 0) fake.addMessage()
  const opened = await browser.open(fake.url, look)
  await opened.page.locator('#stored .line').first().waitFor()
  return opened
}

const announced = (page: Page, text: RegExp) =>
  page.locator('#announcement').filter({ hasText: text }).waitFor({ state: 'attached' })

const dead = {
  stage: 'dead',
  refusal: 'AuthenticationFailed',
  deadLetterReason: 'MessageRefused',
  text: null,
  readBytes: null,
} as const

/** What a page can come to show, in one snapshot. */
const fullSnapshot = (): Partial<Snapshot> => {
  const now = Date.now()
  const { queues } = snapshotFixture(now)
  return {
    results: ATTACKS.map((info) => resultFixture(info, now, 'copy-1')),
    attacks: ATTACKS.map((info, index) => (index === 3 ? { ...info, unavailable: 'This broker cannot do it.' } : info)),
    outages: { broker: false, keys: true, nonces: true },
    queues: queues.map((status, index) => ({
      ...status,
      ...(index === 0 && { mode: 'plaintext', seals: false }),
      ...(index === 1 && { intake: 'paused', pausedBy: 'KeyProviderError' }),
      ...(index === 2 && { intake: 'broken', pausedBy: 'ConnectionFailed' }),
    })),
  }
}

it.each<Look>([...LOOKS, { width: 768, scheme: 'dark' }, { width: 2_560, scheme: 'light' }])(
  'fits and is accessible at $width px, $scheme, in every state it can come to',
  async (look) => {
    const fake = await start({ change: fullSnapshot() })
    for (let number = 0; number < 30; number += 1)
      fake.addMessage(number % 4 === 0 ? { sealed: false } : number % 4 === 1 ? dead : {})
    const { page, problems } = await show(fake, look)
    for (const attack of ['flip-bit', 'reorder']) await page.locator(`.attack[data-attack=${attack}]`).click()
    await page.locator('.chart details summary').first().click()
    for (const message of ['all', 'refused', 'plaintext']) {
      await page.locator(`#message-filter input[value=${message}]`).check()
      await page.locator('#messages button').first().click()
      await page.locator('#stored .line').first().waitFor()
      expect(await accessibilityViolations(page)).toEqual([])
      expect(await overflow(page)).toBe(0)
    }
    expect(problems).toEqual([])
  },
)

it('shows what the broker stores of a sealed message beside what the bot read', async () => {
  const fake = await start()
  const { messageId } = fake.addMessage({ queue: 'merge-warden', at: Date.UTC(2026, 0, 2, 3, 4, 5) })
  const { page, problems } = await show(fake)
  expect(await page.locator('#stored').textContent()).toMatch(/^51 52 45 31 01 00 /)
  expect(await page.locator('#legend li').allInnerTexts()).toEqual([
    ...['marker QRE1', 'version 1', 'flags 1 byte', 'time 2026-01-02T03:04:05.000Z', 'nonce 12 bytes'],
    ...['ciphertext length 267 bytes', 'key id length 5 bytes', 'key id key-b', 'ciphertext 267 bytes', 'tag 16 bytes'],
  ])
  expect(await page.locator('#readable').textContent()).toContain(messageId)
  expect(await page.locator('#read').textContent()).toContain('"title": "Spelling error in the README file"')
  expect(await page.locator('#stored').textContent()).not.toContain('Spelling')
  expect(problems).toEqual([])
})

it('shows that plaintext is readable at the broker, and why a refused message reached nobody', async () => {
  const fake = await start()
  fake.addMessage()
  fake.addMessage({ queue: 'spec-sentinel', sealed: false })
  fake.addMessage({ queue: 'task-tactician', attack: 'flip-bit', ...dead })
  const { page } = await show(fake)
  await page
    .locator('#messages')
    .getByRole('button', { name: /plaintext/ })
    .click()
  await page.locator('#stored').filter({ hasText: '{"ref":"refs' }).waitFor()
  expect(await page.locator('#stored-note').textContent()).toMatch(/^Plaintext\./)
  expect(await page.locator('#legend li').count()).toBe(0)
  await page
    .locator('#messages')
    .getByRole('button', { name: /flip-bit/ })
    .click()
  await page.locator('#read').filter({ hasText: 'Nothing: AuthenticationFailed' }).waitFor()
  expect(await page.locator('#read').textContent()).toContain('Reason: MessageRefused')
  expect(await page.locator('#read-note').textContent()).toBe('The bot was never called.')
})

it('shows what an attacker wrote as the text it is', async () => {
  const evil = '<img src=x onerror="document.title=1"><script>document.title=2</script>'
  const fake = await start()
  fake.addMessage({
    ...{ event: evil, messageId: evil, sessionId: evil, attack: evil, text: evil, attributes: { [evil]: evil } },
    ...{ deadLetterReason: evil, keyId: evil },
  })
  const { page, problems } = await browser.open(fake.url)
  await page.locator('#messages button').click()
  await page.locator('#read').filter({ hasText: evil }).waitFor()
  expect(await page.locator('#readable').textContent()).toContain(evil)
  expect(await page.evaluate('document.querySelectorAll("#main img, #main script").length')).toBe(0)
  expect(await page.title()).toBe('queue-runtime: what the broker sees')
  expect(problems).toEqual([])
})

it('says so when a message is no longer kept', async () => {
  const fake = await start()
  fake.addMessage()
  const { page } = await show(fake)
  const { sessionId, correlationId, attributes, hex, fields, readBytes, text, ...row } = messageFixture(
    999,
    Date.now(),
    { key: 'unknown', event: 'gone' },
  )
  fake.tell('message', row, {})
  await page.getByRole('button', { name: /^gone/ }).click()
  await page.getByText('Only the newest messages are kept.').waitFor()
})

it('moves no row from under pointer or focus, and says that newer ones wait', async () => {
  const fake = await start()
  fake.addMessage({ event: 'first' })
  const { page } = await show(fake)
  await page.locator('#messages button').first().focus()
  fake.addMessage({ event: 'second' })
  await page.getByText('1 newer message held back').waitFor()
  expect(await page.locator('#messages .name').allInnerTexts()).toEqual(['first'])
  await page.locator('#message-filter input').first().focus()
  fake.addMessage({ event: 'third' })
  await page.locator('#messages .name').filter({ hasText: 'third' }).waitFor()
  expect(await page.locator('#messages .name').allInnerTexts()).toEqual(['third', 'second', 'first'])
})

it.each(['Enter', 'Space'])('plays an attack with %s, keeps the focus and announces what became of it', async (key) => {
  const fake = await start()
  const { page, problems } = await show(fake)
  const button = page.locator('.attack[data-attack=flip-bit]')
  await button.focus()
  await page.keyboard.press(key)
  await announced(page, /^Flip one bit: Refused\. The tag did not verify/)
  const panel = page.locator('#result-flip-bit')
  expect(await panel.textContent()).toMatch(
    /Refused.*Tried.*What happened.*AuthenticationFailed.*Dead letter.*MessageRefused/s,
  )
  expect(await button.getAttribute('aria-expanded')).toBe('true')
  expect(await page.evaluate('document.activeElement.dataset.attack')).toBe('flip-bit')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await page.locator('#read').filter({ hasText: 'Nothing: AuthenticationFailed' }).waitFor()
  expect(await page.evaluate('document.activeElement.id')).toBe('message-title')
  expect(problems).toEqual([])
})

it('tells an attack that got through, one that is a known limit and one that cannot be played from one that was refused', async () => {
  const [first, second, third] = ATTACKS
  const limit = ATTACKS.find(({ isLimit }) => isLimit)
  if (!first || !second || !third || !limit) throw new Error('Too few attacks.')
  const fake = await start({
    change: {
      attacks: [
        first,
        { ...second, name: 'nobody-knows' },
        { ...third, unavailable: 'This broker has no sessions.' },
        limit,
      ],
      results: [{ ...resultFixture(first, Date.now(), 'copy-1'), outcome: 'failed' }],
    },
  })
  const { page } = await show(fake)
  await page.getByRole('button', { name: `${first.title} Got through` }).waitFor()
  await page.getByRole('button', { name: second.title }).click()
  await page.getByText('There is no such attack.').first().waitFor()
  await page.getByRole('button', { name: third.title }).click()
  await page.getByText('Cannot be played with these backends: This broker has no sessions.').waitFor()
  await page.locator('#limits').getByRole('button', { name: limit.title }).click()
  await page.locator('#limits').getByText('Accepted: a known limit').first().waitFor()
})

it('shows an outage as messages that wait, and its end', async () => {
  const fake = await start()
  const { page } = await show(fake)
  await page.getByRole('switch', { name: /Key store/ }).click()
  await announced(page, /^Key store is out of order\.$/)
  for (let second = 0; second < 3; second += 1) fake.second()
  await page.getByText('3 of 3 queues hold their messages back. Nothing is dropped.').waitFor()
  await page.locator('#intake tr').first().filter({ hasText: 'paused: KeyProviderError' }).waitFor()
  await page.locator('#flow text').filter({ hasText: '12 waiting' }).first().waitFor()
  expect(await page.locator('#flow .pile').first().locator('.padlock').count()).toBe(12)
  expect(await page.locator('#flow text').filter({ hasText: 'Keys: away' }).count()).toBe(1)
  await page.getByRole('switch', { name: /Key store/ }).click()
  fake.second()
  await page.getByText('All three queues take messages in.').waitFor()
  await page.locator('#flow text').filter({ hasText: '0 waiting' }).first().waitFor()
})

it('rotates a key, rolls out sealing and redrives with the keys of the keyboard', async () => {
  const fake = await start()
  const { page, problems } = await show(fake)
  const card = page.locator('.queue-card').first()
  await card.getByRole('button', { name: /^Rotate the key/ }).press('Enter')
  await announced(page, /^task-tactician is sealed with key-a-2 from now on\. The old key still opens/)
  await card.locator('.keys li').nth(1).waitFor()
  expect(await card.locator('.keys li').allInnerTexts()).toEqual([
    expect.stringMatching(/key-a-2\s+seals and opens/),
    expect.stringMatching(/key-a\s+opens only\s+2\.2 h old/),
  ])
  await card.getByRole('switch', { name: /Router seals/ }).press('Space')
  await announced(page, /the router sends plaintext/)
  await card.getByRole('radio', { name: 'Reject' }).focus()
  await page.keyboard.press('ArrowLeft')
  await announced(page, /the router sends plaintext, the bot takes plaintext, with an alert/)
  expect(fake.state.queues[0]).toMatchObject({ mode: 'allow-with-alert', seals: false })
  await card.getByRole('button', { name: /^Redrive/ }).press('Enter')
  await announced(page, /^1 dead letter sealed anew and sent again, 0 skipped, 2 refused/)
  expect(problems).toEqual([])
})

it('says what is not protected as it is set up now, and which key is too old', async () => {
  const { queues } = snapshotFixture(Date.now())
  const fake = await start({
    change: {
      queues: queues.map((status, index) => ({
        ...status,
        ...(index === 0 && { seals: false, mode: 'plaintext' }),
        ...(index === 1 && { mode: 'allow-with-alert' }),
        keys: [{ id: 'key-old', createdAt: Date.now() - 91 * 86_400_000, isCurrent: index === 2 }],
      })),
    },
  })
  const { page } = await show(fake)
  await page
    .getByText(
      'Sent as plaintext, readable at the broker: task-tactician. Sealed, but plaintext that somebody puts in is taken, too: merge-warden.',
    )
    .waitFor()
  expect(await page.locator('.keys').allInnerTexts()).toEqual([
    expect.stringMatching(/91 days old$/),
    expect.stringMatching(/91 days old$/),
    expect.stringMatching(/91 days old: time to rotate$/),
  ])
})

it('says that the server is gone, finds it again and shows what it says then', async () => {
  const first = await startFakeDashboard()
  const { page, problems } = await show(first)
  const port = Number(new URL(first.url).port)
  await first.close()
  await announced(page, /^The demo does not answer/)
  await page.getByRole('switch', { name: /Deliveries/ }).click()
  await announced(page, /^The demo does not answer\.$/)
  const { queues } = snapshotFixture(Date.now())
  const second = await start({ port, change: { queues: queues.map((status) => ({ ...status, intake: 'paused' })) } })
  await announced(page, /^The demo is back\.$/)
  await page.getByText('3 of 3 queues hold their messages back.').waitFor()
  expect(second.state.messages).toEqual([])
  expect(problems.filter((problem) => !problem.includes('ERR_CONNECTION_REFUSED'))).toEqual([])
})

it('lets a part of many messages move, one after the other, and none for those who want no motion', async () => {
  const fake = await start()
  const still = await show(fake, { reducedMotion: 'reduce' })
  const { page } = await show(fake)
  const moving = () => page.locator('#flow .token').count()
  await expect.poll(moving).toBe(0)
  for (let number = 0; number < 12; number += 1) fake.addMessage({ queue: 'merge-warden' })
  await expect.poll(moving).toBeGreaterThan(0)
  // They may have come in two bundles.
  expect(await moving()).toBeLessThanOrEqual(2)
  const counts: number[] = []
  for (const end = performance.now() + 4_000; performance.now() < end; ) {
    fake.addMessage({ queue: 'merge-warden' })
    counts.push(await moving())
    await delay(20)
  }
  expect(Math.max(...counts)).toBeGreaterThan(4)
  expect(Math.max(...counts)).toBeLessThanOrEqual(8)
  expect(await still.page.locator('#flow .token').count()).toBe(0)
  await expect.poll(moving, { timeout: 10_000 }).toBe(0)
})

it('has a table beside each chart, and a summary for those who do not see it', async () => {
  const fake = await start()
  const { page } = await show(fake)
  expect(await page.locator('.canvas canvas').count()).toBe(9)
  expect(await page.locator('.canvas').first().getAttribute('aria-label')).toMatch(
    /^Messages a second of task-tactician, last three minutes: sent at most \d+, handled at most \d+, refused at most 0\.$/,
  )
  await page.locator('.chart summary').first().click()
  await page.locator('.chart table').first().getByRole('row').nth(12).waitFor()
  fake.second()
  expect(await page.locator('.chart table').first().getByRole('columnheader').allInnerTexts()).toEqual([
    'Time',
    'sent',
    'handled',
    'refused',
  ])
})

it('offers no lab where there is none', async () => {
  const fake = await start({ change: { hasLab: false, attacks: [] } })
  const { page } = await show(fake)
  await page.locator('.queue-card').first().waitFor()
  expect(await page.getByRole('switch').count()).toBe(0)
  expect(await page.getByRole('button', { name: /Rotate|Redrive|Flip/ }).count()).toBe(0)
})

interface Focused {
  readonly name: string
  readonly isSeen: boolean
}

/** What has the focus: its name, and whether it shows; null for nothing. The outline of a radio button is that of its label. */
const FOCUSED = `(() => {
  const element = document.activeElement
  if (element === document.body) return null
  const shown = element.matches('input') ? element.nextElementSibling : element
  const { outlineStyle, outlineWidth } = getComputedStyle(shown)
  return { name: shown.textContent.trim().slice(0, 22), isSeen: outlineStyle !== 'none' && outlineWidth !== '0px' }
})()`
const focused = (page: Page) => page.evaluate<Focused | null>(FOCUSED)

it('is walked with the tabulator, from top to bottom, the focus always in sight', async () => {
  const fake = await start()
  for (let number = 0; number < 30; number += 1) fake.addMessage()
  const { page } = await show(fake)
  const walk: Focused[] = []
  for (let stop: Focused | null = { name: '', isSeen: true }; stop !== null && walk.length < 100; ) {
    await page.keyboard.press('Tab')
    stop = await focused(page)
    if (stop !== null) walk.push(stop)
  }
  expect(walk.filter(({ isSeen }) => !isSeen)).toEqual([])
  const names = walk.map(({ name }) => name)
  const stops = [
    ...[/^To the content/, /^Deliveries/, /^All/, /^(push|issues|pull_request)\d\d:/, /^51 52 45 31/, /^\{/],
    ...[/^2Flip one bit/, /^44Reorder/, /^Key store/, /^What each queue does/],
    ...[/^Router seals/, /^Reject/, /^Rotate the key/, /^Redrive/, /^As a table/],
  ]
  const places = stops.map((name) => names.findIndex((one) => name.test(one)))
  expect(places).toEqual([...places].sort((a, b) => a - b))
  expect(places).not.toContain(-1)
})

it('lets the arrows walk through the messages, and Enter pick one', async () => {
  const fake = await start()
  for (const event of ['first', 'second', 'third']) fake.addMessage({ event })
  const { page } = await show(fake)
  await page.locator('#messages button[aria-current]').focus()
  for (const [key, event] of [
    ['End', 'first'],
    ['ArrowUp', 'second'],
    ['Home', 'third'],
    ['ArrowDown', 'second'],
  ] as const) {
    await page.keyboard.press(key)
    expect((await focused(page))?.name).toMatch(new RegExp(`^${event}`))
  }
  await page.keyboard.press('Enter')
  await page.locator('#facts').filter({ hasText: 'second' }).waitFor()
})

it.each([
  ['duration(0)', '0 ms'],
  ['duration(9.44)', '9.4 ms'],
  ['duration(1500)', '1.5 s'],
  ['duration(90000)', '2 min'],
  ['duration(7776000000)', '90 days'],
  ['duration(null)', '–'],
  ['percent(0, 0)', '–'],
  ['percent(1, 1000)', '< 1 %'],
  ['percent(999, 1000)', '> 99 %'],
  ['percent(1, 2)', '50 %'],
  ['readable(\'{"a":[],"b":[1,{"c":"d,{\')', '{\n  "a": [],\n  "b": [\n    1,\n    {\n      "c": "d,{'],
  ['readable("no JSON, [this]")', 'no JSON, [this]'],
])('writes %s as people read it', async (call, text) => {
  const fake = await start()
  const { page } = await browser.open(fake.url)
  expect(await page.evaluate(`import('/format.js').then(({ duration, percent, readable }) => ${call})`)).toBe(text)
})
