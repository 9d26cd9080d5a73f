import { byId, element, setAttribute, setText } from './dom.js'
import { clockTime, counted } from './format.js'
import { outcomeOf } from './words.js'

/** @typedef {import('../src/dashboard/events.ts').MessageRow} MessageRow */

const SHOWN = 40

/** @type {Readonly<Record<string, (row: MessageRow) => boolean>>} */
const FILTERS = {
  all: () => true,
  refused: ({ refusal, stage }) => refusal !== null || stage === 'dead',
  attacks: ({ attack }) => attack !== null,
  plaintext: ({ sealed }) => !sealed,
}

/** @param {MessageRow} row */
const toneOf = ({ refusal, stage, sealed }) =>
  refusal !== null || stage === 'dead' ? 'bad' : sealed && stage !== 'gone' ? 'good' : 'warn'

/** @param {MessageRow} row @param {(key: string) => void} onPick */
const makeItem = (row, onPick) => {
  const parts = {
    name: element('span', { class: 'name' }),
    time: element('span', { class: 'time-of-day' }),
    queue: element('span', { class: 'soft' }),
    outcome: element('span', { class: 'outcome' }),
  }
  const button = element(
    'button',
    { type: 'button', class: 'row', click: () => onPick(row.key) },
    ...Object.values(parts),
  )
  return { item: element('li', {}, button), button, parts }
}

/** @param {ReturnType<typeof makeItem>} made @param {MessageRow} row @param {boolean} isSelected */
const fillItem = ({ button, parts }, row, isSelected) => {
  setText(parts.name, row.event === '' ? 'no event' : row.event)
  setText(parts.time, clockTime(row.at))
  setText(parts.queue, `${row.queue}${row.attack === null ? '' : ` · ${row.attack}`}`)
  setText(parts.outcome, row.sealed ? outcomeOf(row) : `plaintext, ${outcomeOf(row)}`)
  setAttribute(button, 'data-tone', toneOf(row))
  setAttribute(button, 'aria-current', isSelected && 'true')
}

/** Where the focus goes from one of so many rows, by the key that was pressed. @type {Readonly<Record<string, (at: number, count: number) => number>>} */
const STEPS = {
  ArrowDown: (at, count) => Math.min(at + 1, count - 1),
  ArrowUp: (at) => Math.max(at - 1, 0),
  Home: () => 0,
  End: (_at, count) => count - 1,
}

/** One row is reached with the tabulator, the others from there with the arrows. @param {HTMLElement} list */
const rove = (list) => {
  const rows = () => /** @type {HTMLElement[]} */ ([...list.querySelectorAll('button')])
  list.addEventListener('keydown', (event) => {
    const all = rows()
    const next = STEPS[event.key]?.(
      all.findIndex((row) => row.matches(':focus')),
      all.length,
    )
    if (next === undefined) return
    event.preventDefault()
    all[next]?.focus()
  })
  return () => {
    const all = rows()
    const stop =
      all.find((row) => row === document.activeElement) ?? all.find((row) => row.hasAttribute('aria-current')) ?? all[0]
    for (const row of all) setAttribute(row, 'tabindex', row === stop ? '0' : '-1')
  }
}

/**
 * The newest messages. While somebody is in the list, no row moves from under pointer or focus.
 * @param {(key: string) => void} onPick
 */
export const createMessages = (onPick) => {
  const list = byId('messages')
  const filters = byId('message-filter')
  const setStop = rove(list)
  /** @type {Map<string, ReturnType<typeof makeItem>>} */
  const items = new Map()
  let filter = 'all'
  /** @type {readonly MessageRow[]} */
  let latest = []
  /** @type {string | null} */
  let selected = null

  const isHeld = () => list.matches(':hover, :focus-within')

  /** @param {readonly MessageRow[]} rows */
  const place = (rows) => {
    const made = rows.map((row) => {
      const known = items.get(row.key) ?? makeItem(row, onPick)
      items.set(row.key, known)
      return known.item
    })
    list.replaceChildren(...made)
    for (const key of [...items.keys()]) if (!rows.some((row) => row.key === key)) items.delete(key)
  }

  /** @param {boolean} isForced */
  const draw = (isForced) => {
    const rows = latest.filter(FILTERS[filter] ?? (() => true)).slice(0, SHOWN)
    const news = rows.filter(({ key }) => !items.has(key)).length
    const moves = news > 0 || rows.length !== items.size
    if (moves && (isForced || !isHeld())) place(rows)
    setText(
      byId('message-news'),
      moves && !isForced && isHeld() && news > 0 ? `${counted(news, 'newer message')} held back` : '',
    )
    for (const row of latest) {
      const item = items.get(row.key)
      if (item !== undefined) fillItem(item, row, row.key === selected)
    }
    setStop()
    byId('messages-empty').hidden = list.childElementCount > 0
  }

  filters.addEventListener('change', ({ target }) => {
    if (target instanceof HTMLInputElement) filter = target.value
    draw(true)
  })

  return {
    /** @param {readonly MessageRow[]} rows @param {string | null} key The one that is on show. */
    show(rows, key) {
      latest = rows
      selected = key
      draw(false)
    },
  }
}
