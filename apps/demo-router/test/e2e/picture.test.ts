import { mkdirSync, readFileSync } from 'node:fs'
import { dirname, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { openLab } from '../lab/lab-helpers.ts'
import { useBrowser } from '../page/browser.ts'

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url))
const SCHEMES = ['light', 'dark'] as const
const fileOf = (scheme: string): string => `${ROOT}docs/dashboard-${scheme}.png`
const MAX_BYTES = 400_000

const browser = useBrowser()

/** `UPDATE_PICTURE=1 vitest run apps/demo-router/test/e2e/picture.test.ts` takes it anew. */
it.runIf(process.env.UPDATE_PICTURE)(
  'takes the picture of the dashboard, light and dark',
  { timeout: 120_000 },
  async () => {
    const { url } = await openLab({ perSecond: 12 })
    const { page, problems } = await browser.open(url, { width: 1_280, height: 1_600 })
    await page.locator('#read').filter({ hasText: '{' }).waitFor()
    await expect.poll(() => page.locator('#messages .row').count(), { timeout: 30_000 }).toBeGreaterThan(20)
    await page.mouse.move(0, 0)
    for (const scheme of SCHEMES) {
      await page.emulateMedia({ colorScheme: scheme })
      await expect.poll(() => page.locator('#flow .token[data-attack]').count(), { timeout: 30_000 }).toBe(0)
      const attack = page.locator('.attack[data-attack=flip-bit]')
      await attack.press('Enter')
      await page.evaluate('document.activeElement.blur(); scrollTo(0, 0)')
      await page.locator('#flow .token[data-look=refused]').waitFor({ timeout: 30_000 })
      const flow = await page.locator('.flow-section').boundingBox()
      const legend = await page.locator('#legend').boundingBox()
      if (flow === null || legend === null) throw new Error('There is nothing to take a picture of.')
      const y = Math.floor(flow.y) - 16
      mkdirSync(dirname(fileOf(scheme)), { recursive: true })
      await page.screenshot({
        path: fileOf(scheme),
        fullPage: true,
        clip: { x: 0, y, width: 1_280, height: Math.ceil(legend.y + legend.height) + 8 - y },
      })
    }
    expect(problems).toEqual([])
  },
)

it.each(['README.md', 'apps/demo-router/README.md'])('%s carries the picture of the dashboard', (name) => {
  const readme = readFileSync(`${ROOT}${name}`, 'utf8')
  for (const scheme of SCHEMES) {
    const picture = readFileSync(fileOf(scheme))
    expect(readme).toContain(relative(dirname(`${ROOT}${name}`), fileOf(scheme)))
    expect(picture.subarray(1, 4).toString()).toBe('PNG')
    expect(picture.readUInt32BE(16)).toBe(1_280)
    expect(picture.length).toBeLessThan(MAX_BYTES)
  }
})
