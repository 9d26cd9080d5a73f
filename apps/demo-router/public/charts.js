import uPlot from '/vendor/uplot.js'
import { element, setAttribute, setText } from './dom.js'
import { clockTime } from './format.js'

/** @typedef {import('../src/dashboard/events.ts').QueuePoint} QueuePoint */
/**
 * One line of a chart. `colour` names a custom property of the page's style.
 * @typedef {{ readonly label: string, readonly colour: string, readonly dash?: number[], readonly value: (point: QueuePoint) => number | null }} Line
 */

const HEIGHT = 112
const FONT = '11px system-ui, sans-serif'
/** A reader who hears the page is told no more often than this, in milliseconds. */
const SUMMARY_MS = 10_000

/** The page's colours come from `light-dark()`, which only the style engine can read, and are asked for at every stroke. */
const createColours = () => {
  /** @type {Map<string, string>} */
  const known = new Map()
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => known.clear())
  return (/** @type {string} */ name) => {
    const before = known.get(name)
    if (before !== undefined) return before
    const probe = element('i', { hidden: true })
    probe.style.color = `var(${name})`
    document.body.append(probe)
    const { color } = getComputedStyle(probe)
    probe.remove()
    known.set(name, color)
    return color
  }
}
const drawnColour = createColours()

/** @param {readonly Line[]} lines */
const legendOf = (lines) => {
  const values = lines.map(() => element('b', {}, '–'))
  const list = element(
    'ul',
    { class: 'chart-legend' },
    ...lines.map(({ label, colour: name, dash }, index) => {
      const sample = element('i', { class: dash === undefined ? 'sample' : 'sample dashed', 'aria-hidden': 'true' })
      sample.style.borderTopColor = `var(${name})`
      return element('li', {}, sample, `${label} `, values[index] ?? null)
    }),
  )
  return { list, values }
}

/**
 * A chart of the last minutes: the lines, their newest values in words, and all as a table for those who want figures.
 * @param {{ title: string, queue: string, lines: readonly Line[], write: (value: number | null) => string }} options
 */
export const createChart = ({ title, queue, lines, write }) => {
  const canvas = element('div', { class: 'canvas', role: 'img', 'aria-label': `${title} of ${queue}: nothing yet` })
  const { list, values } = legendOf(lines)
  const body = element('tbody')
  const table = element(
    'table',
    {},
    element('caption', { class: 'unseen' }, `${title}, ${queue}`),
    element(
      'thead',
      {},
      element(
        'tr',
        {},
        ...['Time', ...lines.map(({ label }) => label)].map((name) => element('th', { scope: 'col' }, name)),
      ),
    ),
    body,
  )
  const details = element(
    'details',
    {},
    element('summary', {}, 'As a table', element('span', { class: 'unseen' }, `: ${title}, ${queue}`)),
    table,
  )
  const view = element('figure', { class: 'chart' }, element('figcaption', {}, title), list, canvas, details)

  /** @type {uPlot | null} */
  let plot = null
  let summarised = 0
  /** @type {readonly QueuePoint[]} */
  let latest = []

  const ink = () => drawnColour('--soft')
  const grid = () => ({ stroke: drawnColour('--line'), width: 1 })

  /** @param {number} width @returns {uPlot.Options} */
  const options = (width) => ({
    ...{ width, height: HEIGHT, padding: [6, 4, 0, 0], legend: { show: false }, cursor: { show: false } },
    scales: { y: { range: (_plot, _min, max) => [0, Math.max(1, (max ?? 0) * 1.15)] } },
    axes: [
      {
        stroke: ink,
        font: FONT,
        size: 24,
        gap: 6,
        space: 70,
        grid: { show: false },
        ticks: { show: false },
        values: (_plot, at) => at.map((second) => clockTime(second * 1000)),
      },
      {
        stroke: ink,
        font: FONT,
        size: 48,
        gap: 4,
        space: 28,
        grid: grid(),
        ticks: { show: false },
        values: (_plot, at) => at.map(write),
      },
    ],
    series: [
      {},
      ...lines.map(({ label, colour: name, dash }) => ({
        ...{ label, width: 1.75, points: { show: false }, spanGaps: true },
        stroke: () => drawnColour(name),
        ...(dash && { dash }),
      })),
    ],
  })

  const data = () =>
    /** @type {uPlot.AlignedData} */ ([
      latest.map(({ at }) => at / 1000),
      ...lines.map(({ value }) => latest.map((point) => value(point))),
    ])

  const build = () => {
    const width = Math.floor(canvas.clientWidth)
    if (width === 0) return
    plot?.destroy()
    plot = new uPlot(options(width), data(), canvas)
  }
  new ResizeObserver(() => {
    const width = Math.floor(canvas.clientWidth)
    if (plot === null) build()
    else if (width > 0 && width !== plot.width) plot.setSize({ width, height: HEIGHT })
  }).observe(canvas)
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', build)

  const fillTable = () =>
    body.replaceChildren(
      ...latest
        .slice(-12)
        .reverse()
        .map((point) =>
          element(
            'tr',
            {},
            element('th', { scope: 'row' }, clockTime(point.at)),
            ...lines.map(({ value }) => element('td', {}, write(value(point)))),
          ),
        ),
    )
  details.addEventListener('toggle', fillTable)

  return {
    view,
    /** @param {readonly QueuePoint[]} points of this queue, oldest first */
    show(points) {
      if (points.at(-1) === latest.at(-1) && points.length === latest.length) return
      latest = points
      plot?.setData(data())
      for (const [index, { value }] of lines.entries()) {
        const newest = points.findLast((point) => value(point) !== null)
        const target = values[index]
        if (target !== undefined) setText(target, write(newest === undefined ? null : value(newest)))
      }
      if (details.open) fillTable()
      if (performance.now() - summarised < SUMMARY_MS && summarised > 0) return
      if (points.length > 0) summarised = performance.now()
      const highest = lines.map(
        ({ label, value }) => `${label} at most ${write(Math.max(0, ...points.map((point) => value(point) ?? 0)))}`,
      )
      setAttribute(canvas, 'aria-label', `${title} of ${queue}, last three minutes: ${highest.join(', ')}.`)
    },
  }
}
