import { byId, drawing, element, setAttribute, setText, whenChanged } from './dom.js'
import { geometryOf } from './flow-geometry.js'
import { createMotion } from './flow-motion.js'
import { count, counted } from './format.js'
import { key, padlock, person, sheet } from './symbols.js'
import { MODES } from './words.js'

/** @typedef {import('../src/dashboard/events.ts').Snapshot} Snapshot */
/** @typedef {import('../src/dashboard/events.ts').QueueStatus} QueueStatus */
/** @typedef {import('./flow-geometry.js').Box} Box */
/** @typedef {import('./flow-geometry.js').Point} Point */
/** @typedef {import('./flow-geometry.js').Geometry} Geometry */
/** @typedef {import('./flow-geometry.js').Lane} Lane */

/** Width of a letter of the small print, in pixels. */
const LETTER = 6.3

/** @param {Point} at @param {string} className @param {string} [text] */
const label = ({ x, y }, className, text = '') =>
  drawing('text', { x: String(x), y: String(y), class: className }, text)

/** @param {Box} box @param {string} className @param {number} [radius] */
const rect = ({ x, y, width, height }, className, radius = 10) =>
  drawing('rect', {
    ...{ x: String(x), y: String(y), width: String(width), height: String(height), rx: String(radius) },
    class: className,
  })

/** @param {Point} at @param {SVGElement} sign */
const put = ({ x, y }, sign) => drawing('g', { transform: `translate(${x} ${y})` }, sign)

/** @param {readonly Point[]} points */
const curve = ([a, b, c, d]) => (a && b && c && d ? `M${a.x} ${a.y} C${b.x} ${b.y} ${c.x} ${c.y} ${d.x} ${d.y}` : '')

/** @param {string} text @param {number} width */
const cut = (text, width) => {
  const letters = Math.floor(width / LETTER)
  return text.length > letters ? `${text.slice(0, letters - 1)}…` : text
}

/** `task-tactician` is read by the bot Task Tactician. @param {string} queue */
const inTitleCase = (queue) => queue.replaceAll('-', ' ').replaceAll(/\b[a-z]/g, (letter) => letter.toUpperCase())

/** The name of a queue, in as many lines as there is room for. @param {string} queue @param {Lane} lane @returns {(readonly [Point, string])[]} */
const titleLines = (queue, { titles }) => {
  const cutAt = titles.length > 1 ? queue.indexOf('-') + 1 : 0
  const texts = cutAt > 0 ? [queue.slice(0, cutAt), queue.slice(cutAt)] : [queue]
  return titles.slice(0, texts.length).map((at, line) => [at, texts[line] ?? ''])
}

/** @param {Geometry} geometry @param {string} queue @param {Lane} lane */
const drawLane = ({ isNarrow }, queue, lane) => {
  const { bot, last } = lane
  const inBot = (/** @type {number} */ line) => ({ x: bot.x + (isNarrow ? 10 : 16), y: bot.y + line })
  const parts = {
    waiting: label(lane.waiting, 'small'),
    waitingWord: label({ x: lane.waiting.x, y: lane.waiting.y + 15 }, 'small soft'),
    letters: label(lane.letters, isNarrow ? 'small' : 'small end'),
    lettersWord: label({ x: lane.letters.x, y: lane.letters.y + 15 }, 'small soft'),
    keyId: label({ x: inBot(43).x + 22, y: inBot(43).y }, 'small'),
    mode: label(inBot(58), 'small soft'),
    pile: drawing('g', { class: 'pile' }),
  }
  const group = drawing(
    'g',
    { class: 'lane' },
    drawing('path', { class: 'way', d: curve(lane.way) }),
    drawing('path', { class: 'way', d: `M${last[0].x} ${last[0].y} L${last[1].x} ${last[1].y}` }),
    rect(lane.pipe, 'pipe', 17),
    ...titleLines(queue, lane).map(([at, text]) => label(at, 'title', text)),
    rect(bot, 'box trusted'),
    label(inBot(23), 'title', isNarrow ? 'Bot' : inTitleCase(queue)),
    put({ x: inBot(39).x + 7, y: inBot(39).y }, key()),
    ...Object.values(parts),
  )
  return { group, parts, lane }
}

/** @param {Geometry} geometry @param {string} brokerName */
const drawFrame = (
  { isNarrow, router, broker, keyStore, keyWays, brokerTitle, attacker, source, width },
  brokerName,
) => {
  const inRouter = (/** @type {number} */ line) => ({ x: router.x + 16, y: router.y + line })
  const arrow = isNarrow
    ? `M${source.x} 4 V${router.y - 3} m-4 -5 l4 5 l4 -5`
    : `M${source.x} ${source.y - 18} V${router.y + router.height + 4} m-4 5 l4 -5 l4 5`
  const routerLines = isNarrow
    ? [label(inRouter(25), 'title', 'Router'), label(inRouter(43), 'small soft', 'seals every body')]
    : [
        label(inRouter(30), 'title large', 'Router'),
        label(inRouter(54), 'small soft', 'checks the signature,'),
        label(inRouter(71), 'small soft', 'then seals each body'),
        label(inRouter(88), 'small soft', 'with the key of its'),
        label(inRouter(105), 'small soft', 'queue'),
      ]
  return [
    ...keyWays.map((d) => drawing('path', { class: 'key-way', d })),
    rect(broker, 'untrusted', 16),
    drawing('path', { class: 'arrow', d: arrow }),
    label(
      isNarrow ? { x: source.x + 12, y: 15 } : { x: source.x, y: source.y },
      isNarrow ? 'small soft' : 'small soft middle',
      'GitHub’s webhooks',
    ),
    rect(router, 'box trusted'),
    ...routerLines,
    rect(keyStore, 'box trusted key-store', 18),
    put({ x: keyStore.x + 22, y: keyStore.y + 18 }, key()),
    label({ x: keyStore.x + 36, y: keyStore.y + 22 }, 'title', 'Key store'),
    label(brokerTitle, 'title', isNarrow ? 'Broker: holds no key' : 'The broker: stores everything, holds no key'),
    ...(isNarrow || width < 900
      ? []
      : [label({ x: broker.x + broker.width - 22, y: brokerTitle.y }, 'small soft end', brokerName)]),
    put(attacker, person()),
    label(
      { x: attacker.x + 14, y: attacker.y + 5 },
      'small attacker',
      isNarrow ? 'somebody with full access' : 'Somebody with full access to the broker, and without a key',
    ),
  ]
}

/** What of a queue stands in the picture. @param {Snapshot} state @param {QueueStatus} status */
const factsOf = ({ points, outages }, { queue, mode, seals, intake, pausedBy, keys, totals }) => ({
  depth: points.findLast((point) => point.queue === queue)?.depth ?? null,
  letters: totals.deadLetters,
  keyId: keys.find(({ isCurrent }) => isCurrent)?.id ?? '–',
  ...{ mode, seals, intake, pausedBy, outages },
})

/** @param {ReturnType<typeof factsOf> & { readonly queue: string }} facts */
const inWords = ({ queue, depth, letters, keyId, mode, seals, intake, pausedBy }) =>
  [
    `${queue}: the router sends ${seals ? `sealed with ${keyId}` : 'plaintext'}, the bot accepts ${MODES[mode].short}.`,
    `Intake ${intake}${pausedBy === null ? '' : ` by ${pausedBy}`}.`,
    `${depth === null ? '' : `${counted(depth, 'message')} waiting, `}${counted(letters, 'dead letter')}.`,
  ].join(' ')

/**
 * The picture of the way from the router through the broker to the bots.
 * @param {(key: string) => void} onPick
 */
export const createFlow = (onPick) => {
  const svg = byId('flow')
  /** @type {readonly string[]} */
  let queues = []
  /** @type {ReturnType<typeof drawLane>[]} */
  let lanes = []
  /** @type {ReturnType<typeof createMotion> | null} */
  let motion = null
  /** @type {Snapshot | null} */
  let latest = null
  let drawnWidth = 0

  svg.addEventListener('click', ({ target }) => {
    const picked = target instanceof Element ? target.closest('[data-key]')?.getAttribute('data-key') : null
    if (picked != null) onPick(picked)
  })

  /** @param {ReturnType<typeof drawLane>} drawn @param {ReturnType<typeof factsOf>} facts @param {boolean} isNarrow */
  const fillLane = ({ group, parts, lane }, { depth, letters, keyId, mode, seals, intake, outages }, isNarrow) => {
    const room = lane.bot.width - (isNarrow ? 14 : 24)
    const status = { running: MODES[mode].short, paused: 'intake paused', broken: 'broker away' }[intake]
    setText(parts.waiting, depth === null ? '' : isNarrow ? count(depth) : `${count(depth)} waiting`)
    setText(parts.waitingWord, isNarrow && depth !== null ? 'waiting' : '')
    setText(parts.letters, isNarrow ? count(letters) : counted(letters, 'dead letter'))
    setText(parts.lettersWord, isNarrow ? 'dead' : '')
    setText(parts.keyId, cut(keyId, room - 22))
    setText(parts.mode, cut(status, room))
    setAttribute(group, 'data-intake', intake)
    setAttribute(parts.letters, 'data-some', letters > 0)
    setAttribute(group, 'data-cut', outages.broker)
    const shown = Math.min(depth ?? 0, lane.slots.length)
    parts.pile.replaceChildren(...lane.slots.slice(0, shown).map((slot) => put(slot, seals ? padlock() : sheet())))
  }

  const draw = () => {
    const width = Math.floor(svg.getBoundingClientRect().width)
    if (latest === null || width === 0) return
    const geometry = geometryOf(queues.length, width)
    drawnWidth = width
    setAttribute(svg, 'viewBox', `0 0 ${width} ${geometry.height}`)
    setAttribute(svg, 'height', String(geometry.height))
    lanes = geometry.lanes.map((lane, index) => drawLane(geometry, queues[index] ?? '', lane))
    const layer = drawing('g')
    svg.replaceChildren(...drawFrame(geometry, latest.backends.queue), ...lanes.map(({ group }) => group), layer)
    motion = createMotion(layer, queues)
    motion.resize(geometry)
    for (const row of latest.messages) motion.know(row)
    refresh(latest)
  }

  /** @param {Snapshot} state */
  const refresh = (state) => {
    const isNarrow = lanes[0]?.lane.isUpright ?? false
    setAttribute(svg, 'data-keys-out', state.outages.keys)
    setAttribute(svg, 'data-broker-out', state.outages.broker)
    for (const [index, drawn] of lanes.entries()) {
      const status = state.queues[index]
      if (status !== undefined) fillLane(drawn, factsOf(state, status), isNarrow)
    }
  }

  new ResizeObserver(() => {
    if (Math.floor(svg.getBoundingClientRect().width) !== drawnWidth) draw()
  }).observe(svg)

  const showSummary = whenChanged((/** @type {readonly string[]} */ lines) =>
    byId('flow-summary').replaceChildren(...lines.map((line) => element('li', {}, line))),
  )

  return {
    /** @param {Snapshot} state */
    show(state) {
      const isFirst = latest === null
      latest = state
      queues = state.queues.map(({ queue }) => queue)
      if (isFirst) draw()
      else refresh(state)
      showSummary(state.queues.map((status) => inWords({ queue: status.queue, ...factsOf(state, status) })))
    },
    /** @param {import('../src/dashboard/events.ts').MessageRow} row */
    see: (row) => motion?.see(row),
  }
}
