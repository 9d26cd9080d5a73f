import { runAction } from './action.js'
import { lab } from './api.js'
import { createChart } from './charts.js'
import { byId, element, setAttribute, setText, whenChanged } from './dom.js'
import { count, counted, duration, percent } from './format.js'
import { createSwitch } from './switches.js'
import { MODES } from './words.js'

/** @typedef {import('../src/dashboard/events.ts').QueueStatus} QueueStatus */
/** @typedef {import('../src/dashboard/events.ts').QueuePoint} QueuePoint */
/** @typedef {import('../src/dashboard/events.ts').QueueMode} QueueMode */
/** @typedef {import('../src/dashboard/events.ts').Snapshot} Snapshot */

const SHARE_MS = 60_000

/** @param {string} queue */
const chartsOf = (queue) => [
  createChart({
    ...{ title: 'Messages a second', queue, write: (value) => (value === null ? '–' : count(Math.round(value))) },
    lines: [
      { label: 'sent', colour: '--soft', dash: [4, 3], value: ({ sent }) => sent },
      { label: 'handled', colour: '--good', value: ({ handled }) => handled },
      { label: 'refused', colour: '--bad', dash: [2, 2], value: ({ refused }) => refused },
    ],
  }),
  createChart({
    ...{ title: 'Latency, send to handled', queue, write: duration },
    lines: [
      { label: 'median', colour: '--good', value: ({ latencyP50Ms }) => latencyP50Ms },
      { label: 'p95', colour: '--blue', dash: [4, 3], value: ({ latencyP95Ms }) => latencyP95Ms },
    ],
  }),
  createChart({
    ...{ title: 'Age of the oldest message handled', queue, write: duration },
    lines: [{ label: 'age', colour: '--warn', value: ({ ageMs }) => ageMs }],
  }),
]

/** How much of the last minute was sealed. */
const createShare = () => {
  const bar = element(
    'div',
    { class: 'share-bar', 'aria-hidden': 'true' },
    element('i', { class: 'sealed-part' }),
    element('i', { class: 'plain-part' }),
  )
  const text = element('p', { class: 'share-text' })
  return {
    view: element('div', { class: 'share' }, bar, text),
    /** @param {readonly QueuePoint[]} points */
    show(points) {
      const since = (points.at(-1)?.at ?? 0) - SHARE_MS
      const recent = points.filter(({ at }) => at > since)
      const sum = (/** @type {'sealed' | 'plaintext'} */ name) =>
        recent.reduce((total, point) => total + point[name], 0)
      const [sealed, plaintext] = [sum('sealed'), sum('plaintext')]
      const all = sealed + plaintext
      setAttribute(bar, 'data-empty', all === 0)
      bar.style.setProperty('--sealed', all === 0 ? '0' : String(sealed / all))
      setText(
        text,
        all === 0
          ? 'No messages in the last minute.'
          : `${percent(sealed, all)} sealed, ${percent(plaintext, all)} plaintext in the last minute`,
      )
    },
  }
}

/** @param {string} queue */
const createKeys = (queue) => {
  const list = element('ul', { class: 'keys' })
  const note = element('p', { class: 'soft note' })
  const button = element(
    'button',
    { type: 'button', class: 'plain-button' },
    'Rotate the key',
    element('span', { class: 'unseen' }, ` of ${queue}`),
  )
  button.addEventListener('click', () => {
    const act = async () => {
      const status = await lab.rotate(queue)
      const current = status.keys.find(({ isCurrent }) => isCurrent)?.id ?? 'a new key'
      const old = status.keys.length - 1
      return `${queue} is sealed with ${current} from now on. ${old === 1 ? 'The old key still opens' : `${old} old keys still open`} what is under way.`
    }
    void runAction(button, act, (sentence) => setText(note, sentence))
  })
  const fill = whenChanged((/** @type {readonly { id: string, age: string, isCurrent: boolean }[]} */ keys) =>
    list.replaceChildren(
      ...keys.map(({ id, age, isCurrent }) =>
        element(
          'li',
          { 'data-current': isCurrent },
          element('code', {}, id),
          element('span', {}, isCurrent ? 'seals and opens' : 'opens only'),
          element('span', { class: 'soft' }, age),
        ),
      ),
    ),
  )
  return {
    view: element('div', { class: 'part' }, element('h4', {}, 'Keys'), list, button, note),
    button,
    /** @param {QueueStatus['keys']} keys */
    show: (keys) =>
      fill(
        keys.map(({ id, createdAt, isCurrent }) => ({
          ...{ id, isCurrent },
          age:
            createdAt === null
              ? 'age unknown'
              : `${duration(Math.max(0, Math.floor((Date.now() - createdAt) / 1000) * 1000))} old`,
        })),
      ),
  }
}

/** @param {string} queue @param {() => QueueStatus} statusOf */
const createModes = (queue, statusOf) => {
  const note = element('p', { class: 'soft note' })
  /** @param {QueueMode} mode @param {boolean} seals */
  const apply = async (mode, seals) => {
    await lab.mode(queue, { mode, seals })
    return `${queue}: the router sends ${seals ? 'sealed' : 'plaintext'}, the bot ${MODES[mode].short}.`
  }
  const seals = createSwitch({
    ...{ label: 'Router seals', on: 'yes', off: 'no: plaintext' },
    turn: (on) => apply(statusOf().mode, on),
  })
  const group = element(
    'fieldset',
    { class: 'segments' },
    element('legend', {}, 'Plaintext at the bot', element('span', { class: 'unseen' }, ` of ${queue}`)),
  )
  const inputs = /** @type {readonly QueueMode[]} */ (['plaintext', 'allow-with-alert', 'reject']).map((mode) => {
    const input = element('input', { type: 'radio', name: `mode-${queue}`, value: mode })
    group.append(element('label', {}, input, element('span', {}, MODES[mode].label)))
    return input
  })
  group.addEventListener('change', ({ target }) => {
    if (!(target instanceof HTMLInputElement)) return
    const mode = /** @type {QueueMode} */ (target.value)
    void runAction(
      group,
      () => apply(mode, statusOf().seals),
      (sentence) => setText(note, sentence),
    )
  })
  return {
    view: element('div', { class: 'part' }, element('h4', {}, 'Roll-out'), seals.view, group, note),
    /** @param {QueueStatus} status */
    show(status) {
      seals.show(status.seals)
      if (group.getAttribute('aria-disabled') !== 'true')
        for (const input of inputs) input.checked = input.value === status.mode
    },
  }
}

/** @param {string} queue */
const createLetters = (queue) => {
  const text = element('p')
  const note = element('p', { class: 'soft note' })
  const button = element(
    'button',
    { type: 'button', class: 'plain-button' },
    'Redrive',
    element('span', { class: 'unseen' }, ` the dead letters of ${queue}`),
  )
  button.addEventListener('click', () => {
    const act = async () => {
      const { redriven, skipped, failed } = await lab.redrive(queue)
      return `${counted(redriven, 'dead letter')} sealed anew and sent again, ${skipped} skipped, ${failed} refused: they are no more genuine than before.`
    }
    void runAction(button, act, (sentence) => setText(note, sentence))
  })
  return {
    view: element('div', { class: 'part' }, element('h4', {}, 'Dead letters'), text, button, note),
    button,
    /** @param {QueueStatus['totals']} totals */
    show: ({ deadLetters }) => setText(text, `${counted(deadLetters, 'message')} kept, still as they were stored.`),
  }
}

/** @param {QueueStatus} first @param {boolean} hasLab */
const createCard = (first, hasLab) => {
  const { queue } = first
  let status = first
  const state = element('span', { class: 'badge' })
  const share = createShare()
  const keys = createKeys(queue)
  const modes = createModes(queue, () => status)
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
