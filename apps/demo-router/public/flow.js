import { byId, drawing, element, setAttribute, setText, whenChanged } from './dom.js'
import { cut, drawFrame, drawLane, put } from './flow-drawing.js'
import { geometryOf } from './flow-geometry.js'
import { createMotion } from './flow-motion.js'
import { count, counted } from './format.js'
import { padlock, sheet } from './symbols.js'
import { MODES } from './words.js'

/** @typedef {import('../src/dashboard/events.ts').Snapshot} Snapshot */
/** @typedef {import('../src/dashboard/events.ts').QueueStatus} QueueStatus */

/** What is not protected as it is set up now. @param {readonly QueueStatus[]} queues */
const unprotected = (queues) => {
  const name = (/** @type {readonly QueueStatus[]} */ some) => some.map(({ queue }) => queue).join(', ')
  const open = queues.filter(({ seals }) => !seals)
  const lax = queues.filter(({ seals, mode }) => seals && mode !== 'reject')
  return [
    ...(open.length === 0 ? [] : [`Sent as plaintext, readable at the broker: ${name(open)}.`]),
    ...(lax.length === 0 ? [] : [`Sealed, but plaintext that somebody puts in is taken, too: ${name(lax)}.`]),
  ].join(' ')
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
    `${queue}: the router sends ${seals ? `sealed with ${keyId}` : 'plaintext'}, the bot ${MODES[mode].sentence}.`,
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
  /** @type {ReturnType<typeof drawFrame> | null} */
  let frame = null
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
    frame = drawFrame(geometry, latest.backends.queue)
    svg.replaceChildren(...frame.views, ...lanes.map(({ group }) => group), layer)
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
    if (frame !== null) {
      setText(frame.parts.brokerTitle, state.outages.broker ? 'Broker: does not answer' : frame.brokerWords)
      setText(frame.parts.keyStoreTitle, state.outages.keys ? 'Keys: away' : 'Key store')
    }
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
      const names = state.queues.map(({ queue }) => queue)
      const isNew = names.join() !== queues.join()
      latest = state
      queues = names
      if (isNew) draw()
      else refresh(state)
      setText(byId('flow-note'), unprotected(state.queues))
      showSummary(state.queues.map((status) => inWords({ queue: status.queue, ...factsOf(state, status) })))
    },
    /** @param {import('../src/dashboard/events.ts').MessageRow} row */
    see: (row) => motion?.see(row),
  }
}
