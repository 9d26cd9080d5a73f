import { byId, element, setAttribute, setText } from './dom.js'
import { chartsOf } from './queue-charts.js'
import { createKeys } from './queue-keys.js'
import { createLetters } from './queue-letters.js'
import { createModes } from './queue-modes.js'
import { createShare } from './queue-share.js'

/** @typedef {import('../src/dashboard/events.ts').QueueStatus} QueueStatus */
/** @typedef {import('../src/dashboard/events.ts').QueuePoint} QueuePoint */
/** @typedef {import('../src/dashboard/events.ts').Snapshot} Snapshot */

/** @param {QueueStatus} first @param {boolean} hasLab */
const createCard = (first, hasLab) => {
  const { queue } = first
  let status = first
  const state = element('span', { class: 'badge' })
  const share = createShare()
  const keys = createKeys(queue)
  const modes = createModes(queue, {
    get: () => status,
    set: (now) => {
      status = now
      modes.show(now)
    },
  })
  const letters = createLetters(queue)
  const charts = chartsOf(queue)
  const id = `card-${queue}`
  const view = element(
    'article',
    { class: 'card queue-card', 'aria-labelledby': id },
    element('header', {}, element('h3', { id }, queue), state),
    share.view,
    hasLab ? modes.view : null,
    keys.view,
    hasLab ? letters.view : null,
    element('div', { class: 'charts' }, ...charts.map((chart) => chart.view)),
  )
  keys.button.hidden = !hasLab
  return {
    view,
    /** @param {QueueStatus} now @param {readonly QueuePoint[]} points */
    show(now, points) {
      status = now
      setText(state, now.pausedBy === null ? `intake ${now.intake}` : `intake ${now.intake}: ${now.pausedBy}`)
      setAttribute(state, 'data-intake', now.intake)
      share.show(points)
      keys.show(now.keys)
      modes.show(now)
      letters.show(now.totals)
      for (const chart of charts) chart.show(points)
    },
  }
}

/** One card for each queue: what it takes, its keys, its figures. */
export const createQueues = () => {
  /** @type {Map<string, ReturnType<typeof createCard>>} */
  const cards = new Map()
  return {
    /** @param {Snapshot} state */
    show({ queues, points, hasLab }) {
      for (const status of queues) {
        let card = cards.get(status.queue)
        if (card === undefined) {
          card = createCard(status, hasLab)
          cards.set(status.queue, card)
          byId('queue-cards').append(card.view)
        }
        card.show(
          status,
          points.filter(({ queue }) => queue === status.queue),
        )
      }
    },
  }
}
