import { readFileSync } from 'node:fs'
import { whyMissing } from '@queue-runtime/system-tools'
import { beforeEach, describe, expect, it } from 'vitest'
import { LIBRARY, ROUTER } from '../telemetry/documented.ts'
import { seriesNamesIn } from './metric-names.ts'
import { runPromtool } from './promtool.ts'

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

const RULES = read('ops/alerts.yml')
const TESTS = read('ops/alerts.test.yml')

interface Alert {
  readonly name: string
  readonly text: string
}

/** Each alert with the text of its rule. */
const ALERTS: readonly Alert[] = RULES.split(/^ {6}- (?=alert: )/m)
  .slice(1)
  .map((text) => ({ name: /^alert: (\w+)/.exec(text)?.[1] ?? '', text }))

/** What OP1 asks for, and which alert is it. */
const ASKED: Readonly<Record<string, readonly string[]>> = {
  'plaintext share > 1 % over 5 min': ['QueuePlaintextReceived', 'QueuePlaintextSent'],
  'crypto disabled in production': ['QueueCryptoDisabled'],
  'crypto errors > 5 % of messages': ['QueueCryptoErrors'],
  'key older than 7 776 000 s': ['QueueKeyTooOld'],
  'DLQ rate > 5 %': ['QueueDeadLetters'],
  'retries > 10 %': ['QueueRetries'],
  'p95 > 500 ms': ['QueueSendsSlow'],
  'breaker open': ['QueueBreakerOpen'],
  'queue depth rising': ['QueueDepthRising'],
  'session lock timeouts': ['QueueSessionLocksLost'],
}

const missing = await whyMissing('promtool')
const needsPromtool = (): void => beforeEach((context) => context.skip(missing !== undefined, missing))

/** The test file with the tests of one alert alone: they are the ones whose name begins with its name. */
const testsOf = (alert: string): string => {
  const [head = '', ...tests] = TESTS.split(/^(?= {2}- name: )/m)
  return head + tests.filter((test) => test.startsWith(`  - name: ${alert},`)).join('')
}

const COMPARISON = /^( *)(>|==) (\d+(?:\.\d+)?)$/gm
const DURATION = /^ {8}for: (\d+)m\n/m

/** Other numbers in the place of a threshold: those on either side, so that one fires too early and one too late. */
const otherThresholds = (operator: string, value: number): string[] => {
  if (operator === '==') return ['== 1', '>= 0']
  return value === 0 ? ['>= 0', '> 3'] : [`> ${value * 2}`, `> ${value / 2}`]
}

interface Mutation {
  readonly alert: string
  readonly change: string
  readonly rules: string
}

const mutationsOf = ({ name, text }: Alert): Mutation[] => {
  const mutation = (from: string, at: number, to: string): Mutation => {
    const changed = text.slice(0, at) + to + text.slice(at + from.length)
    return {
      alert: name,
      change: `${from.trim()} becomes ${to.trim() || 'nothing'}`,
      rules: RULES.replace(text, () => changed),
    }
  }
  const thresholds = [...text.matchAll(COMPARISON)].flatMap(
    ({ 0: all, 1: indent = '', 2: operator = '', 3: value, index }) =>
      otherThresholds(operator, Number(value)).map((to) => mutation(all, index, indent + to)),
  )
  const duration = DURATION.exec(text)
  if (duration === null) return thresholds
  const [all, minutes] = duration
  const longer = `        for: ${Number(minutes) * 4}m\n`
  return [...thresholds, mutation(all, duration.index, ''), mutation(all, duration.index, longer)]
}

describe('the alert rules (OP1)', () => {
  it('are all that were asked for', () => {
    const names = ALERTS.map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining(Object.values(ASKED).flat()))
    expect(new Set(names).size).toBe(names.length)
  })

  it('ask only for metrics that are documented', () => {
    const documented = new Set([...Object.keys(LIBRARY), ...Object.keys(ROUTER), 'target_info'])
    const asked = seriesNamesIn(RULES, documented)
    expect(asked.unknown).toEqual([])
    expect(asked.known.size).toBeGreaterThan(10)
  })

  it.each(ALERTS)('$name says what happened, what to do, and where it is written (OP5)', ({ text }) => {
    const page = read('../../docs/operations.md')
    const headings = [...page.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
      heading.toLowerCase().replaceAll(' ', '-'),
    )
    expect(text).toMatch(/^ {10}summary: ".{20,}"$/m)
    expect(text).toMatch(/^ {10}description: ".{40,}"$/m)
    expect(headings).toContain(/runbook: docs\/operations\.md#([\w-]+)$/m.exec(text)?.[1])
    expect(text).toMatch(/severity: (critical|warning)$/m)
  })

  it.each(ALERTS)('$name has the same labels on both sides of a ratio (14.16)', ({ text }) => {
    const [, expr = ''] = /expr: \|\n([\s\S]*?)\n {8}\w/.exec(text) ?? []
    const sides = expr.split(/^ *\/ /m)
    if (sides.length > 1) for (const side of sides) expect(side.trim()).toMatch(/^sum by \(queue\) \(/)
  })
})

describe('the alert rules, by promtool', () => {
  needsPromtool()

  it('are well formed', async () => {
    const { isGood, output } = await runPromtool(['check', 'rules', 'alerts.yml'], { files: { 'alerts.yml': RULES } })
    expect(isGood, output).toBe(true)
  })

  it('fire where they must, and not where they must not', async () => {
    const files = { 'alerts.yml': RULES, 'alerts.test.yml': TESTS }
    const { isGood, output } = await runPromtool(['test', 'rules', 'alerts.test.yml'], { files })
    expect(isGood, output).toBe(true)
  })

  it.each(ALERTS)('$name has a test of its own', ({ name }) => {
    const own = testsOf(name)
    expect(own).toContain(`alertname="${name}", alertstate="firing"`)
    expect(own).toContain('exp_samples:\n')
  })

  it.concurrent.each(ALERTS.flatMap(mutationsOf))('$alert: a test notices when $change', async ({ alert, rules }) => {
    expect(rules).not.toBe(RULES)
    const files = { 'alerts.yml': rules, 'alerts.test.yml': testsOf(alert) }
    const checked = await runPromtool(['check', 'rules', 'alerts.yml'], { files })
    expect(checked.isGood, checked.output).toBe(true)
    const tested = await runPromtool(['test', 'rules', 'alerts.test.yml'], { files })
    expect(tested.output).toContain('FAILED')
  })
})

describe('the sample of a Prometheus configuration', () => {
  needsPromtool()

  it('is one that Prometheus takes', async () => {
    const files = { 'prometheus.yml': read('ops/prometheus.yml'), 'alerts.yml': RULES }
    const { isGood, output } = await runPromtool(['check', 'config', 'prometheus.yml'], { files })
    expect(isGood, output).toBe(true)
  })
})
