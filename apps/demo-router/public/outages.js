import { lab } from './api.js'
import { byId, element, setText, whenChanged } from './dom.js'
import { count } from './format.js'
import { createSwitch } from './switches.js'

/** @typedef {import('../src/dashboard/events.ts').OutageName} OutageName */
/** @typedef {import('../src/dashboard/events.ts').Snapshot} Snapshot */

/** @type {readonly { readonly name: OutageName, readonly label: string, readonly meaning: string }[]} */
const OUTAGES = [
  {
    name: 'keys',
    label: 'Key store',
    meaning:
      'Known keys go on for as long as they may be cached; then the bots stop taking messages in. None is refused for it.',
  },
  {
    name: 'nonces',
    label: 'Nonce store',
    meaning:
      'Whether a message is a copy cannot be told: the bots stop taking messages in, and nothing is let through unchecked.',
  },
  {
    name: 'broker',
    label: 'Broker',
    meaning: 'The router answers GitHub with 503, and GitHub delivers again later; the bots wait and try again.',
  },
]

/** @type {Readonly<Record<'running' | 'paused' | 'broken', string>>} */
const INTAKE = { running: 'running', paused: 'paused', broken: 'no broker' }

/** The three switches, and what the queues make of them. */
export const createOutages = () => {
  const host = byId('outages')
  const switches = OUTAGES.map(({ name, label, meaning }) => {
    const id = `outage-${name}`
    const made = createSwitch({
      ...{ label, on: 'out of order', off: 'working', describedBy: id },
      async turn(on) {
        await lab.outage(name, on)
        return on ? `${label} is out of order.` : `${label} works again.`
      },
    })
    host.append(element('li', {}, made.view, element('p', { id, class: 'soft' }, meaning)))
    return { name, made }
  })

  const fill = whenChanged((/** @type {readonly (readonly string[])[]} */ rows) =>
    byId('intake').replaceChildren(
      ...rows.map(([queue, ...cells]) =>
        element(
          'tr',
          {},
          element('th', { scope: 'row' }, queue ?? ''),
          ...cells.map((cell) => element('td', {}, cell)),
        ),
      ),
    ),
  )

  return {
    /** @param {Snapshot} state */
    show({ outages, queues, points }) {
      for (const { name, made } of switches) made.show(outages[name])
      fill(
        queues.map(({ queue, intake, pausedBy, totals }) => {
          const depth = points.findLast((point) => point.queue === queue)?.depth ?? null
          return [
            queue,
            pausedBy === null ? INTAKE[intake] : `${INTAKE[intake]}: ${pausedBy}`,
            count(totals.sent),
            count(totals.handled),
            depth === null ? '–' : count(depth),
            count(totals.deadLetters),
          ]
        }),
      )
      const broken = queues.filter(({ intake }) => intake !== 'running').length
      setText(
        byId('intake-note'),
        broken === 0
          ? 'All three queues take messages in.'
          : `${broken} of ${queues.length} queues hold their messages back. Nothing is dropped.`,
      )
    },
  }
}
