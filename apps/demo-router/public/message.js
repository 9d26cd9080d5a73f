import { loadMessage } from './api.js'
import { byId, element, setText } from './dom.js'
import { clockTime, count, counted, readable } from './format.js'
import { bytesPerLine, fieldClass, hexLines } from './hex.js'
import { meaningOf, outcomeOf, STAGES } from './words.js'

/** @typedef {import('../src/dashboard/events.ts').MessageDetail} MessageDetail */
/** @typedef {import('../src/dashboard/events.ts').MessageRow} MessageRow */

/** Width of a letter of the hex, in pixels: ten of them are measured in the page. */
const letterWidth = (/** @type {HTMLElement} */ host) => {
  const probe = element('span', {}, '0000000000')
  host.replaceChildren(probe)
  const width = probe.getBoundingClientRect().width / 10
  return width > 0 ? width : 8
}

/** @param {string} id @param {readonly (readonly [name: string, value: string | null])[]} facts */
const fillFacts = (id, facts) =>
  byId(id).replaceChildren(
    ...facts
      .filter(([, value]) => value !== null && value !== '')
      .map(([name, value]) => element('div', {}, element('dt', {}, name), element('dd', {}, value))),
  )

/** @param {MessageDetail} message */
const showStored = ({ sealed, hex, fields, storedBytes, messageId, sessionId, correlationId, attributes }) => {
  const host = byId('stored')
  const room = host.clientWidth - 24
  const perLine = bytesPerLine(room / letterWidth(host))
  const rest = storedBytes - hex.length / 2
  host.replaceChildren(
    ...hexLines(hex, fields, perLine),
    ...(rest > 0 ? [element('span', { class: 'soft' }, `… ${count(rest)} more bytes`)] : []),
  )
  byId('legend').replaceChildren(
    ...fields.map(({ name, from, to, value }) =>
      element('li', { class: fieldClass(name) }, element('b', {}, name), ` ${value ?? counted(to - from, 'byte')}`),
    ),
  )
  setText(
    byId('stored-note'),
    sealed
      ? 'Sealed. Without the key these bytes say nothing, and no byte of them can be changed unnoticed.'
      : 'Plaintext. Whoever has access to the broker reads it, and can write another.',
  )
  setText(
    byId('readable-title'),
    sealed
      ? 'Readable there; ids, session and event cannot be changed unnoticed'
      : 'Also readable there, and open to change',
  )
  fillFacts('readable', [
    ['Message id', messageId],
    ['Session', sessionId],
    ['Correlation id', correlationId],
    ...Object.entries(attributes),
  ])
}

/** @param {MessageDetail} message */
const showRead = ({ text, readBytes, refusal, deadLetterReason, stage }) => {
  const host = byId('read')
  if (text !== null) {
    const isCut = readBytes !== null && new TextEncoder().encode(text).length < readBytes
    host.replaceChildren(
      element('span', {}, readable(text)),
      ...(isCut && readBytes !== null ? [element('span', { class: 'soft' }, ` … of ${count(readBytes)} bytes`)] : []),
    )
    setText(byId('read-note'), `${counted(readBytes ?? 0, 'byte')}, as they were sent.`)
    return
  }
  const why =
    refusal === null
      ? [element('strong', {}, 'Nothing yet'), element('span', {}, `Where it is: ${STAGES[stage]}.`)]
      : [
          element('strong', { class: 'bad' }, `Nothing: ${refusal}`),
          element('span', {}, meaningOf(refusal)),
          ...(deadLetterReason === null
            ? []
            : [
                element('span', {}, 'It is kept, as it was stored, as a dead letter. Reason: '),
                element('code', {}, deadLetterReason),
              ]),
        ]
  host.replaceChildren(element('span', { class: 'nothing' }, ...why))
  setText(byId('read-note'), refusal === null ? '' : 'The bot was never called.')
}

/** @param {MessageDetail} message */
const showFacts = (message) => {
  const { queue, event, at, storedBytes, keyId, attack } = message
  fillFacts('facts', [
    ['Event', event],
    ['Queue', queue],
    ['Key id', keyId ?? 'none: plaintext'],
    ['Stored', `${clockTime(at)}, ${counted(storedBytes, 'byte')}`],
    ['Outcome', outcomeOf(message)],
    ['Attack', attack],
  ])
}

/** The selected message, from both sides. */
export const createMessage = () => {
  /** @type {string | null} */
  let selected = null
  let shown = ''
  /** @type {MessageDetail | null} */
  let latest = null

  const draw = () => {
    if (latest === null) return
    showFacts(latest)
    showStored(latest)
    showRead(latest)
  }
  let width = 0
  new ResizeObserver(() => {
    if (byId('stored').clientWidth === width) return
    width = byId('stored').clientWidth
    draw()
  }).observe(byId('stored'))

  const load = async () => {
    const wanted = selected
    if (wanted === null) return
    try {
      const detail = await loadMessage(wanted)
      if (selected !== wanted) return
      latest = detail
      setText(byId('message-state'), '')
      draw()
    } catch (error) {
      if (selected === wanted) setText(byId('message-state'), error instanceof Error ? error.message : String(error))
    }
  }

  return {
    get selected() {
      return selected
    },
    /** @param {string} key */
    select(key) {
      selected = key
      shown = ''
      return load()
    },
    /** Loads the message anew when it went on. @param {readonly MessageRow[]} rows */
    show(rows) {
      const row = rows.find(({ key }) => key === selected)
      const now = JSON.stringify(row ?? null)
      if (row === undefined || now === shown) return
      const isFirst = shown === ''
      shown = now
      if (!isFirst) void load()
    },
  }
}
