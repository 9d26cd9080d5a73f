import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { chromium as chromiumTool, whyMissing } from '@queue-runtime/system-tools'
import type { AxeResults } from 'axe-core'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, onTestFinished } from 'vitest'

export interface Look {
  readonly width: number
  readonly scheme: 'light' | 'dark'
  readonly height?: number
  readonly reducedMotion?: 'reduce' | 'no-preference'
}

/** A page, and whatever went wrong on it. */
export interface OpenPage {
  readonly page: Page
  /** Errors and warnings of the console, exceptions, and requests to another host. */
  readonly problems: string[]
}

/** Narrow and wide, light and dark. */
export const LOOKS: readonly Look[] = [400, 1440].flatMap((width) => [
  { width, scheme: 'light' as const },
  { width, scheme: 'dark' as const },
])

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** One Chromium for the tests of a file; they are skipped, with the reason, where there is none and none can be fetched. */
export const useBrowser = (): { readonly open: (url: string, look?: Partial<Look>) => Promise<OpenPage> } => {
  let missing: string | undefined
  let browser: Browser | undefined
  beforeAll(async () => {
    missing = await whyMissing('chromium')
    if (missing !== undefined) return
    const { path, env } = await chromiumTool()
    browser = await chromium.launch({ executablePath: path, env: env as Record<string, string> })
  })
  beforeEach((context) => context.skip(missing !== undefined, missing))
  afterAll(() => browser?.close())

  return {
    async open(url, { width = 1_440, height = 900, scheme = 'light', reducedMotion = 'no-preference' } = {}) {
      if (browser === undefined) throw new Error('There is no browser.')
      const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, reducedMotion })
      onTestFinished(() => context.close())
      const page = await context.newPage()
      const problems: string[] = []
      page.on('console', (line) => {
        if (['error', 'warning'].includes(line.type())) problems.push(`console: ${line.text()}`)
      })
      page.on('pageerror', (error) => problems.push(`exception: ${error.message}`))
      page.on('request', (request) => {
        if (new URL(request.url()).origin !== new URL(url).origin) problems.push(`request: ${request.url()}`)
      })
      await page.goto(url)
      return { page, problems }
    },
  }
}

/** Returns what axe finds, one line each. */
export const accessibilityViolations = async (page: Page): Promise<string[]> => {
  await page.evaluate(axeSource)
  const { violations } = (await page.evaluate('axe.run(document, { resultTypes: ["violations"] })')) as AxeResults
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target}: ${failureSummary}`),
  )
}

/** Pixels that stick out to the right. */
export const overflow = (page: Page): Promise<number> =>
  page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')
