import { drawing, setAttribute } from './dom.js'
import { pointOn } from './flow-geometry.js'
import { cross, padlock, sheet } from './symbols.js'

/** @typedef {import('../src/dashboard/events.ts').MessageRow} MessageRow */
/** @typedef {import('./flow-geometry.js').Geometry} Geometry */
/** @typedef {import('./flow-geometry.js').Lane} Lane */
/** @typedef {import('./flow-geometry.js').Point} Point */
/** @typedef {{ readonly el: SVGGElement, readonly queue: string, row: MessageRow }} Token */

/** As many move through one queue at a time, and start no closer than this; of more, the picture shows a part. */
const AT_ONCE = 8
const APART_MS = 180
/** Keys that are remembered, of messages that were seen. */
const REMEMBERED = 500

/** Messages are told of together, and set out one by one. */
const SCATTER_MS = 300
const [TRAVEL_MS, PIPE_MS, OPEN_MS, STOP_MS, FALL_MS, FADE_MS] = [900, 700, 350, 800, 450, 250]

const stillness = matchMedia('(prefers-reduced-motion: reduce)')

/** @param {Token} token @param {readonly Point[]} points @param {number} duration @param {number} [delay] */
const move = ({ el }, points, duration, delay = 0) =>
  el.animate(
    points.map(({ x, y }) => ({ transform: `translate(${x}px, ${y}px)` })),
    { duration, delay, fill: 'both', easing: 'ease-in-out' },
  ).finished

/** @param {Token} token */
const fade = ({ el }) => el.animate([{ opacity: 1 }, { opacity: 0 }], { duration: FADE_MS, fill: 'forwards' }).finished

/** @param {Lane} lane */
const wayOf = ({ way }) => Array.from({ length: 13 }, (_, step) => pointOn(way, step / 12))

/** @param {Token} token @param {Lane} lane */
const fromHead = async (token, { last: [head, door], tray, isUpright }) => {
  const isRefused = () => token.row.refusal !== null || token.row.stage === 'dead'
  if (!isRefused()) {
    setAttribute(token.el, 'data-look', 'open')
    await move(token, [head, door], OPEN_MS)
    return fade(token)
  }
  const stop = isUpright ? { x: door.x, y: door.y - 12 } : { x: door.x - 12, y: door.y }
  await move(token, [head, stop], OPEN_MS)
  setAttribute(token.el, 'data-look', 'refused')
  await move(token, [stop, stop], STOP_MS)
  await move(token, [stop, token.row.stage === 'dead' ? tray : head], FALL_MS)
  return fade(token)
}

/**
 * Lets messages move through the picture.
 * @param {SVGGElement} layer
 * @param {readonly string[]} queues
 */
export const createMotion = (layer, queues) => {
  /** @type {Map<string, Token>} */
  const tokens = new Map()
  /** @type {Set<string>} */
  const seen = new Set()
  /** Those that stopped in their queue. @type {Set<string>} */
  const waiting = new Set()
  /** @type {Map<string, number>} */
  const started = new Map()
  /** @type {Geometry | null} */
  let geometry = null

  /** @param {Set<string>} keys @param {string} key */
  const remember = (keys, key) => {
    keys.add(key)
    const [oldest] = keys
    if (keys.size > REMEMBERED && oldest !== undefined) keys.delete(oldest)
  }

  /** @param {string} queue */
  const laneOf = (queue) => geometry?.lanes[queues.indexOf(queue)]

  /** @param {MessageRow} row */
  const hasRoom = ({ queue, attack }) => {
    if (attack !== null) return true
    const moving = [...tokens.values()].filter((token) => token.queue === queue).length
    return moving < AT_ONCE && performance.now() - (started.get(queue) ?? 0) > APART_MS
  }

  /** @param {Token} token @param {Lane} lane @param {boolean} waited */
  const journey = async (token, lane, waited) => {
    const [tail, head] = [lane.way[3], lane.last[0]]
    if (!waited) {
      await move(token, token.row.attack === null ? wayOf(lane) : lane.intrusion, TRAVEL_MS, Math.random() * SCATTER_MS)
      await move(token, [tail, head], PIPE_MS)
      const { stage, key } = token.row
      if (stage === 'stored') remember(waiting, key)
      if (stage === 'stored' || stage === 'gone') return
    }
    await fromHead(token, lane)
  }

  /** @param {MessageRow} row @param {boolean} waited */
  const start = (row, waited) => {
    const lane = laneOf(row.queue)
    if (lane === undefined) return
    const el = drawing('g', { class: 'token', 'data-key': row.key }, padlock(), sheet(), cross())
    setAttribute(el, 'data-look', row.sealed ? 'sealed' : 'plain')
    setAttribute(el, 'data-attack', row.attack !== null)
    const token = { el, queue: row.queue, row }
    tokens.set(row.key, token)
    started.set(row.queue, performance.now())
    layer.append(el)
    const end = () => {
      el.remove()
      if (tokens.get(row.key) === token) tokens.delete(row.key)
    }
    journey(token, lane, waited).then(end, end)
  }

  return {
    /** The picture was drawn anew: what moved, moved in the old one. @param {Geometry} now */
    resize(now) {
      geometry = now
      layer.replaceChildren()
      tokens.clear()
    },
    /** A message is where it is, without having come there before our eyes. @param {MessageRow} row */
    know({ key, stage }) {
      remember(seen, key)
      if (stage === 'stored') remember(waiting, key)
    },
    /** @param {MessageRow} row */
    see(row) {
      const { key, stage } = row
      const token = tokens.get(key)
      const isNew = !seen.has(key)
      remember(seen, key)
      if (token !== undefined) token.row = row
      else if (stillness.matches || document.hidden) waiting.delete(key)
      else if (isNew && hasRoom(row)) start(row, false)
      else if (isNew && stage === 'stored') remember(waiting, key)
      else if (stage !== 'stored' && waiting.delete(key) && stage !== 'gone' && hasRoom(row)) start(row, true)
    },
  }
}
