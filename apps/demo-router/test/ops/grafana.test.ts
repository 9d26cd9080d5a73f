import { readFileSync } from 'node:fs'
import { whyMissing } from '@queue-runtime/system-tools'
import { beforeEach, describe, expect, it } from 'vitest'
import { LIBRARY, ROUTER } from '../telemetry/documented.ts'
import { seriesNamesIn } from './metric-names.ts'
import { runPromtool } from './promtool.ts'

interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly description?: string
  readonly datasource?: { readonly type: string; readonly uid: string }
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly fieldConfig?: { readonly defaults: { readonly unit: string } }
  readonly targets?: readonly {
    readonly expr: string
    readonly legendFormat: string
    readonly datasource: { uid: string }
  }[]
}

interface Dashboard {
  readonly uid: string
  readonly templating: { readonly list: readonly { readonly name: string; readonly type: string }[] }
  readonly panels: readonly Panel[]
}

const dashboard: Dashboard = JSON.parse(
  readFileSync(new URL('../../ops/grafana-dashboard.json', import.meta.url), 'utf8'),
)
const shown = dashboard.panels.filter(({ type }) => type !== 'row')
const expressions = shown.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
const documented = new Set([...Object.keys(LIBRARY), ...Object.keys(ROUTER)])

describe('the Grafana dashboard', () => {
  it('takes its data source and its queues from variables, so that it can be imported anywhere', () => {
    expect(dashboard.templating.list.map(({ name, type }) => [name, type])).toEqual([
      ['datasource', 'datasource'],
      ['queue', 'query'],
    ])
    // Without an id of its own Grafana makes one.
    expect('id' in dashboard).toBe(false)
    const sources = shown.flatMap(({ datasource, targets = [] }) => [
      datasource?.uid,
      ...targets.map((target) => target.datasource.uid),
    ])
    // The name of Grafana's variable, not a template.
    expect(new Set(sources)).toEqual(new Set([['$', '{datasource}'].join('')]))
  })

  it('asks only for metrics that are documented, and for all of them but those that say the same', () => {
    const { known, unknown } = seriesNamesIn(expressions.join('\n'), documented)
    expect(unknown).toEqual([])
    expect([...documented].filter((name) => !known.has(name))).toEqual([
      'queue_retry_delay_seconds',
      'queue_session_duration_seconds',
      'queue_receive_duration_seconds',
    ])
  })

  it('uses only labels that the metrics have', () => {
    const labels = new Set(['le', ...Object.values({ ...LIBRARY, ...ROUTER }).flatMap((entry) => [...entry.labels])])
    const grouped = expressions.flatMap((expr) =>
      [...expr.matchAll(/by \(([^)]+)\)/g)].flatMap(([, list = '']) => list.split(', ')),
    )
    const told = shown.flatMap(({ targets = [] }) =>
      targets.flatMap(({ legendFormat }) =>
        [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label),
      ),
    )
    expect([...grouped, ...told].filter((label) => !labels.has(label))).toEqual([])
  })

  it.each(shown)('$title says what it shows, and in which unit', ({ description, fieldConfig, targets = [] }) => {
    expect(description).toMatch(/^[A-Z0-9].*\.$/)
    expect(fieldConfig?.defaults.unit).toMatch(/^(reqps|ops|s|short|percentunit)$/)
    expect(targets.length).toBeGreaterThan(0)
  })

  it('has no two panels in one place, nor with one id or title', () => {
    const unique = (key: (panel: Panel) => unknown) => new Set(dashboard.panels.map(key)).size
    expect([unique(({ id }) => id), unique(({ title }) => title)]).toEqual(Array(2).fill(dashboard.panels.length))
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, index) => `${x + (index % w)}/${y + Math.floor(index / w)}`),
    )
    expect(new Set(cells).size).toBe(cells.length)
    expect(Math.max(...dashboard.panels.map(({ gridPos: { x, w } }) => x + w))).toBe(24)
  })
})

describe('the Grafana dashboard, by promtool', async () => {
  const missing = await whyMissing('promtool')
  beforeEach((context) => context.skip(missing !== undefined, missing))

  it('asks in PromQL that Prometheus can read', async () => {
    const asked = expressions.map((expr) => expr.replaceAll('$__rate_interval', '5m').replaceAll('$queue', '.*'))
    const rules = asked.map((expr, index) => ({
      record: `panel:${index}:check`.replaceAll(/\d/g, (digit) => 'abcdefghij'[Number(digit)] ?? ''),
      expr,
    }))
    const files = { 'panels.yml': JSON.stringify({ groups: [{ name: 'panels', rules }] }) }
    const { isGood, output } = await runPromtool(['check', 'rules', 'panels.yml'], { files })
    expect(isGood, output).toBe(true)
    expect(output).toContain(`${asked.length} rules found`)
  })
})
