/** @typedef {{ readonly x: number, readonly y: number }} Point */
/** @typedef {{ readonly x: number, readonly y: number, readonly width: number, readonly height: number }} Box */
/**
 * One queue in the picture. `way` leads from the router to the tail of the queue, `last` from its head to its bot.
 * @typedef {{
 *   readonly pipe: Box, readonly isUpright: boolean, readonly titles: readonly Point[], readonly waiting: Point, readonly letters: Point, readonly bot: Box,
 *   readonly way: readonly [Point, Point, Point, Point], readonly last: readonly [Point, Point], readonly slots: readonly Point[],
 *   readonly tray: Point, readonly intrusion: readonly Point[],
 * }} Lane
 */
/**
 * @typedef {{
 *   readonly width: number, readonly height: number, readonly isNarrow: boolean, readonly router: Box, readonly broker: Box,
 *   readonly keyStore: Box, readonly keyWays: readonly string[], readonly brokerTitle: Point, readonly attacker: Point,
 *   readonly source: Point, readonly lanes: readonly Lane[],
 * }} Geometry
 */

/** Below this width, in pixels, the picture runs from top to bottom. */
const NARROW = 640
/** Distance of two messages that wait. */
const SLOT = 17

/** @param {number} low @param {number} value @param {number} high */
const between = (low, value, high) => Math.min(high, Math.max(low, value))

/** @param {number} count @param {number} width @returns {Geometry} */
const wide = (count, width) => {
  const [routerWidth, botWidth, pitch, top] = [176, width < 800 ? 142 : 158, 96, 62]
  const gap = between(30, width * 0.06, 84)
  const brokerX = routerWidth + gap
  const broker = { x: brokerX, y: top, width: width - brokerX - botWidth - gap, height: 48 + count * pitch + 44 }
  const attacker = { x: broker.x + 32, y: broker.y + broker.height - 24 }
  const middle = top + 48 + (count * pitch) / 2 - 8
  const router = { x: 0.5, y: middle - 62, width: routerWidth, height: 124 }
  const keyStore = { x: broker.x + broker.width / 2 - 84, y: 0.5, width: 168, height: 36 }
  const botX = width - botWidth - 0.5
  const lanes = Array.from({ length: count }, (_, index) => {
    const y = top + 48 + index * pitch
    const pipe = { x: broker.x + 22, y: y + 22, width: broker.width - 44, height: 34 }
    const centre = pipe.y + pipe.height / 2
    const from = { x: router.x + router.width, y: middle + (index - (count - 1) / 2) * 16 }
    const tail = { x: pipe.x, y: centre }
    const bend = (from.x + tail.x) / 2
    const slots = Math.max(1, Math.floor((pipe.width - 24) / SLOT))
    return /** @type {Lane} */ ({
      pipe,
      isUpright: false,
      titles: [{ x: pipe.x, y: y + 12 }],
      waiting: { x: pipe.x, y: pipe.y + pipe.height + 17 },
      letters: { x: pipe.x + pipe.width, y: pipe.y + pipe.height + 17 },
      bot: { x: botX, y: centre - 33, width: botWidth, height: 66 },
      way: [from, { x: bend, y: from.y }, { x: bend, y: tail.y }, tail],
      last: [
        { x: pipe.x + pipe.width - 12, y: centre },
        { x: botX, y: centre },
      ],
      slots: Array.from({ length: slots }, (_slot, place) => ({
        x: pipe.x + pipe.width - 16 - place * SLOT,
        y: centre,
      })),
      tray: { x: pipe.x + pipe.width - 8, y: pipe.y + pipe.height + 13 },
      intrusion: [attacker, { x: broker.x + 9, y: attacker.y - 16 }, { x: broker.x + 9, y: tail.y + 6 }, tail],
    })
  })
  const keyY = keyStore.y + keyStore.height / 2
  const [routerX, botsX] = [router.x + router.width / 2, botX + botWidth / 2]
  return {
    ...{ width, height: broker.y + broker.height + 1, isNarrow: false, router, broker, keyStore, lanes },
    keyWays: [
      `M${keyStore.x} ${keyY} H${routerX + 14} Q${routerX} ${keyY} ${routerX} ${keyY + 14} V${router.y}`,
      `M${keyStore.x + keyStore.width} ${keyY} H${botsX - 14} Q${botsX} ${keyY} ${botsX} ${keyY + 14} V${lanes.at(-1)?.bot.y ?? 0}`,
    ],
    brokerTitle: { x: broker.x + 22, y: broker.y + 28 },
    attacker,
    source: { x: router.x + router.width / 2, y: router.y + router.height + 46 },
  }
}

/** @param {number} count @param {number} width @returns {Geometry} */
const narrow = (count, width) => {
  const edge = 12
  const column = (width - edge) / count
  const router = { x: 0.5, y: 26, width: (width - edge) * 0.56, height: 58 }
  const keyStore = { x: width - edge - (width - edge) * 0.34, y: 37, width: (width - edge) * 0.34, height: 36 }
  const broker = { x: 0.5, y: 124, width: width - edge - 0.5, height: 276 }
  const attacker = { x: broker.x + 20, y: broker.y + 42 }
  const lanes = Array.from({ length: count }, (_, index) => {
    const x = index * column
    const pipe = { x: x + 12, y: broker.y + 92, width: 34, height: 162 }
    const centre = pipe.x + pipe.width / 2
    const from = { x: router.x + router.width / 2 + (index - (count - 1) / 2) * 16, y: router.y + router.height }
    const tail = { x: centre, y: pipe.y }
    const bend = (from.y + broker.y) / 2 + 6
    const bot = { x: x + 3.5, y: broker.y + broker.height + 34, width: column - 7, height: 66 }
    return /** @type {Lane} */ ({
      pipe,
      isUpright: true,
      titles: [66, 81].map((line) => ({ x: pipe.x - 2, y: broker.y + line })),
      waiting: { x: pipe.x + pipe.width + 8, y: pipe.y + 24 },
      letters: { x: pipe.x + pipe.width + 8, y: pipe.y + pipe.height - 28 },
      bot,
      way: [from, { x: from.x, y: bend }, { x: tail.x, y: bend }, tail],
      last: [
        { x: centre, y: pipe.y + pipe.height - 12 },
        { x: centre, y: bot.y },
      ],
      slots: Array.from({ length: Math.floor((pipe.height - 24) / SLOT) }, (_slot, place) => ({
        x: centre,
        y: pipe.y + pipe.height - 16 - place * SLOT,
      })),
      tray: { x: pipe.x + pipe.width + 16, y: pipe.y + pipe.height - 44 },
      intrusion: [attacker, tail],
    })
  })
  const keyY = keyStore.y + keyStore.height / 2
  const right = width - 1
  const botTop = lanes[0]?.bot.y ?? 0
  const keysY = botTop + 80
  return {
    ...{ width, height: botTop + 86, isNarrow: true, router, broker, keyStore, lanes },
    keyWays: [
      `M${keyStore.x} ${keyY} H${router.x + router.width}`,
      `M${keyStore.x + keyStore.width} ${keyY} H${right - 8} Q${right} ${keyY} ${right} ${keyY + 8} V${keysY - 8} Q${right} ${keysY} ${right - 8} ${keysY} H${column / 2}`,
      ...lanes.map(({ bot }) => `M${bot.x + bot.width / 2} ${keysY} V${bot.y + bot.height}`),
    ],
    brokerTitle: { x: broker.x + 12, y: broker.y + 24 },
    attacker,
    source: { x: router.x + router.width / 2, y: 0 },
  }
}

/** Returns where everything stands in a picture of that width; one unit is one pixel, so that text keeps its size. @param {number} count @param {number} width */
export const geometryOf = (count, width) => (width < NARROW ? narrow(count, width) : wide(count, width))

/**
 * A point on a cubic curve.
 * @param {readonly [Point, Point, Point, Point]} curve
 * @param {number} t from 0 to 1
 * @returns {Point}
 */
export const pointOn = ([a, b, c, d], t) => {
  const s = 1 - t
  /** @param {'x' | 'y'} axis */
  const at = (axis) => s ** 3 * a[axis] + 3 * s ** 2 * t * b[axis] + 3 * s * t ** 2 * c[axis] + t ** 3 * d[axis]
  return { x: at('x'), y: at('y') }
}
