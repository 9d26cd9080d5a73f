import { drawing } from './dom.js'
import { key, person } from './symbols.js'

/** @typedef {import('./flow-geometry.js').Box} Box */
/** @typedef {import('./flow-geometry.js').Geometry} Geometry */
/** @typedef {import('./flow-geometry.js').Lane} Lane */
/** @typedef {import('./flow-geometry.js').Point} Point */

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
export const put = ({ x, y }, sign) => drawing('g', { transform: `translate(${x} ${y})` }, sign)

/** @param {readonly Point[]} points */
const curve = ([a, b, c, d]) => (a && b && c && d ? `M${a.x} ${a.y} C${b.x} ${b.y} ${c.x} ${c.y} ${d.x} ${d.y}` : '')

/** @param {string} text @param {number} width */
export const cut = (text, width) => {
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
export const drawLane = ({ isNarrow }, queue, lane) => {
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

/** Below this width of the broker, in pixels, it is described in few words. */
const SHORT = 430

/** Router, broker and key store. @param {Geometry} geometry @param {string} brokerName */
export const drawFrame = (geometry, brokerName) => {
  const { isNarrow, router, broker, keyStore, keyWays, brokerTitle, attacker, source, width } = geometry
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
  const parts = {
    brokerTitle: label(brokerTitle, 'title'),
    keyStoreTitle: label({ x: keyStore.x + 36, y: keyStore.y + 22 }, 'title'),
  }
  const isShort = broker.width < SHORT
  return {
    parts,
    brokerWords: isShort ? 'Broker: holds no key' : 'The broker: stores everything, holds no key',
    views: [
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
      ...(width < 900
        ? []
        : [label({ x: broker.x + broker.width - 22, y: brokerTitle.y }, 'small soft end', brokerName)]),
      put(attacker, person()),
      label(
        { x: attacker.x + 14, y: attacker.y + 5 },
        'small attacker',
        isShort ? 'somebody with full access' : 'Somebody with full access to the broker, and without a key',
      ),
      ...Object.values(parts),
    ],
  }
}
