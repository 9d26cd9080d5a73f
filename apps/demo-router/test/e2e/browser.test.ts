import type { MessageProtection } from '@queue-runtime/core'
import type { QueueProtection } from '@queue-runtime/core/provider'
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { QUEUES } from '../../src/github/routes.ts'
import { hurry, openLab } from '../lab/lab-helpers.ts'
import { accessibilityViolations, LOOKS, type Look, overflow, useBrowser } from '../page/browser.ts'

const browser = useBrowser()

/** The page of a demo that lives, with a delivery on show that its bot has read. */
const walkIn = async (look: Partial<Look> = {}, options: Parameters<typeof openLab>[0] = {}) => {
  const house = await openLab({ perSecond: 12, ...options })
  const opened = await browser.open(house.url, look)
  await opened.page.locator('#read').filter({ hasText: '{' }).waitFor()
  return { ...house, ...opened }
}

/** A bot that opens what it can, and takes all else as it is. */
const gullible = (own: MessageProtection): MessageProtection => ({
  open(context) {
    const protection = own.open(context)
    const unprotect: QueueProtection['unprotect'] = async (messages, options) => {
      const verdicts = await protection.unprotect(messages, options)
      return verdicts.map((verdict, at) =>
        'error' in verdict ? { body: messages[at]?.body ?? new Uint8Array(), seal: null, claim: null } : verdict,
      )
    }
    return { ...protection, unprotect }
  },
})

const announced = (page: Page, text: RegExp) =>
  page.locator('#announcement').filter({ hasText: text }).waitFor({ state: 'attached' })

/** What the page comes to show within a while: it is told once a second. */
const eventually = <T>(look: () => Promise<T>) => expect.poll(look, { timeout: 30_000 })

const card = (page: Page, queue: string) =>
  page.locator('.queue-card').filter({ has: page.getByRole('heading', { name: queue }) })

/** Narrow and wide, light and dark, as the page stands. */
const expectGoodLooks = async (page: Page) => {
  for (const { width, scheme } of LOOKS) {
    await page.setViewportSize({ width, height: 900 })
    await page.emulateMedia({ colorScheme: scheme })
    expect({ width, scheme, violations: await accessibilityViolations(page) }).toEqual({
      width,
      scheme,
      violations: [],
    })
    expect({ width, overflow: await overflow(page) }).toEqual({ width, overflow: 0 })
  }
}

describe('the page of the demo in Chromium', { timeout: 240_000 }, () => {
  it('shows deliveries that arrive, sealed at the broker and opened by their bots', async () => {
    const { page, problems } = await walkIn()
    expect(await page.locator('#connection').textContent()).toBe('Live')
    await page.locator('#flow .token').first().waitFor({ state: 'attached' })
    const handled = async () => Number((await page.locator('#total-handled').textContent())?.replace(',', ''))
    const before = await handled()
    await eventually(handled).toBeGreaterThan(before + 10)
    expect(await page.locator('#total-sealed').textContent()).toBe('100 %')
    expect(await page.locator('#stored').textContent()).toMatch(/^51 52 45 31 01 00 /)
    const legend = await page.locator('#legend li').allInnerTexts()
    expect(legend.map((text) => text.replace(/\d[\d,:.TZ-]*/, '…'))).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^key id key-[abc]$/),
        'marker QRE…',
        'version …',
        'ciphertext … bytes',
      ]),
    )
    expect(await page.locator('#read').textContent()).toMatch(/^\{\n {2}"/)
    expect(await page.locator('#stored').textContent()).not.toContain('"action"')
    await expectGoodLooks(page)
    expect(problems).toEqual([])
  })

  it('offers each attack as a button; each is refused and explained, and the limits are shown as such', async () => {
    const { page, problems, demo, warnings } = await walkIn()
    const names = await page
      .locator('.attack')
      .evaluateAll((buttons) => buttons.map((button) => button.getAttribute('data-attack')))
    expect(names.length).toBeGreaterThan(20)
    const numbers = await page.locator('#limits .number').allInnerTexts()
    expect(numbers).toEqual(['17', '34', '37', '44'])
    let letters = 0
    for (const name of names) {
      const button = page.locator(`.attack[data-attack=${name}]`)
      const isLimit = (await page.locator('#limits').locator(`[data-attack=${name}]`).count()) > 0
      await button.press('Enter')
      await announced(page, new RegExp(`^${await button.locator('.attack-title').textContent()}: `))
      const panel = page.locator(`#result-${name}`)
      const outcome = await panel.locator('.verdict').getAttribute('data-outcome')
      expect([name, outcome]).toEqual([name, expect.stringMatching(isLimit ? /^accepted$/ : /^(refused|settled)$/)])
      const text = await panel.textContent()
      expect(text).toMatch(/Tried.{20,}What happened.{20,}/s)
      if (!text?.includes('Dead letter')) continue
      letters += 1
      expect(text).toMatch(/Dead letterqr\.[\w-]+ in task-tactician|Dead letter\w[\w.-]+ in [\w-]+: message [\w-]+/)
    }
    expect(letters).toBeGreaterThan(10)
    await page.locator('#result-reorder').waitFor()
    await expectGoodLooks(page)
    await page.locator('#attacks .result:not([hidden]) .quiet').click()
    await page.locator('#read').filter({ hasText: 'Nothing: ' }).waitFor()
    expect(await page.locator('#facts').textContent()).toContain('dead letter')
    await hurry(demo, () => demo.books.due().length === 0)
    expect(problems).toEqual([])
    expect(warnings).toEqual([])
  })

  it('says that an attack got through where a bot takes whatever lies in its queue', async () => {
    const { page } = await walkIn({}, { timeoutMs: 1_500, seams: { botProtection: gullible } })
    await page.locator('.attack[data-attack=flip-bit]').press('Enter')
    await announced(page, /^Flip a bit: Got through: a defect\. .*a bot read it/)
    expect(await page.locator('#result-flip-bit .verdict').getAttribute('data-outcome')).toBe('failed')
  })

  it('rotates a key with one button: what comes is sealed with the new one, and nothing is refused for it', async () => {
    const { page, problems } = await walkIn()
    const queue = card(page, 'merge-warden')
    const old = await queue.locator('.keys code').textContent()
    await queue.getByRole('button', { name: /^Rotate/ }).click()
    await announced(page, /^merge-warden is sealed with .+ from now on\. The old key still opens/)
    await queue.locator('.keys li').nth(1).waitFor()
    const ids = await queue.locator('.keys code').allInnerTexts()
    expect(ids).toContain(old)
    const current = () => queue.locator('.keys [data-current] code').textContent()
    await eventually(current).not.toBe(old)
    const fresh = await current()
    expect(await queue.locator('.keys [data-current]').textContent()).toMatch(/seals and opens.* old$/)
    await eventually(async () => {
      // The list stands still under the pointer.
      await page.mouse.move(0, 0)
      await page
        .locator('#messages .row')
        .filter({ hasText: 'merge-warden' })
        .filter({ hasText: 'opened by its bot' })
        .first()
        .click()
      return await page.locator('#facts').textContent()
    }).toContain(`Key id${fresh}`)
    expect(await page.locator('#total-refused').textContent()).toBe('0')
    expect(problems).toEqual([])
  })

  it.each([
    ['Key store', 'keys'],
    ['Nonce store', 'nonces'],
    ['Broker', 'broker'],
  ])('shows an outage of the %s: intake stops, and after it everything is handled', async (label) => {
    const { page, problems, demo } = await walkIn()
    const outage = page.getByRole('switch', { name: new RegExp(`^${label}`) })
    await outage.press('Space')
    await announced(page, new RegExp(`^${label} is out of order`))
    await hurry(demo, async () => /^3 of 3 queues hold/.test((await page.locator('#intake-note').textContent()) ?? ''))
    expect(await page.locator('#flow-summary').textContent()).toMatch(/Intake (paused|broken) by \w+/)
    if (label !== 'Broker') {
      await eventually(() => page.locator('#intake td:nth-child(5)').allInnerTexts()).not.toContain('0')
      await eventually(() => page.locator('#flow .pile .padlock').count()).toBeGreaterThan(2)
    }
    expect(await accessibilityViolations(page)).toEqual([])
    await outage.press('Space')
    await announced(page, new RegExp(`^${label} works again`))
    await hurry(
      demo,
      async () => (await page.locator('#intake-note').textContent()) === 'All three queues take messages in.',
    )
    await page.getByRole('switch', { name: /^Deliveries/ }).click()
    await hurry(demo, () => demo.books.due().length === 0)
    await eventually(() => page.locator('#intake td:nth-child(5)').allInnerTexts()).toEqual(QUEUES.map(() => '0'))
    expect(await page.locator('#total-refused').textContent()).toBe('0')
    expect(problems).toEqual([])
  })

  it('finds a demo again that ended and began anew, and shows the new one', async () => {
    const first = await walkIn()
    await first.demo.close()
    await announced(first.page, /^The demo does not answer/)
    const port = Number(new URL(first.url).port)
    const second = await openLab({ port, perSecond: 12 })
    expect(second.url).toBe(first.url)
    await announced(first.page, /^The demo is back/)
    await eventually(() => first.page.locator('#messages .row').count()).toBeGreaterThan(5)
    await first.page.locator('.attack[data-attack=flip-bit]').press('Enter')
    await announced(first.page, /^Flip a bit: Refused/)
    expect(first.problems.filter((problem) => !/ERR_(CONNECTION_REFUSED|INCOMPLETE_CHUNKED)/.test(problem))).toEqual([])
  })

  it('rolls sealing out, from plaintext to reject, and shows the share of each (DR4)', async () => {
    const { page, problems } = await walkIn()
    const queue = card(page, 'spec-sentinel')
    const mode = (name: string) => queue.getByRole('radio', { name })
    const seals = queue.getByRole('switch', { name: /^Router seals/ })
    const share = queue.locator('.share-text')
    await mode('Allow (debug)').check()
    await announced(page, /the bot takes plaintext too/)
    await seals.click()
    await announced(page, /the router sends plaintext/)
    await eventually(() => share.textContent()).toMatch(/, (<|[1-9]).* plaintext in the last minute$/)
    await page.locator('#message-filter input[value=plaintext]').check()
    await page.locator('#messages .row').filter({ hasText: 'opened by its bot' }).first().click()
    await page
      .locator('#stored-note')
      .filter({ hasText: /^Plaintext/ })
      .waitFor()
    await expectGoodLooks(page)
    await mode('Allow, alert').check()
    await announced(page, /the router sends plaintext, the bot takes plaintext, with an alert/)
    await seals.click()
    await announced(page, /the router sends sealed, the bot takes plaintext, with an alert/)
    await mode('Reject').check()
    await announced(page, /the router sends sealed, the bot takes sealed messages only/)
    await page.locator('.attack[data-attack=inject-plaintext]').press('Enter')
    await announced(page, /^Inject plaintext: Refused/)
    expect(problems).toEqual([])
  })
})
