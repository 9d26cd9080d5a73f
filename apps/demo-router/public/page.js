/** @typedef {import('../src/view/state.ts').ViewState} ViewState */
/** @typedef {import('../src/view/recent.ts').RecentMessage} RecentMessage */
/** @typedef {{ readonly text: string, readonly className?: string }} Cell */

const RUNNING_MS = 500
const DONE_MS = 5_000

/** @param {string} id */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id))
const select = /** @type {HTMLSelectElement} */ (document.getElementById('message'))

/**
 * All text of the page goes through here, as text: nothing that came with a message is ever read as HTML.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {string} text
 * @param {string} [className]
 */
const element = (tag, text, className = '') => {
  const made = document.createElement(tag)
  made.textContent = text
  made.className = className
  return made
}

/** @param {number} value */
const count = (value) => value.toLocaleString('en-US')
/** @param {number | undefined} value */
const ms = (value) => (value === undefined ? '–' : `${value.toFixed(1)} ms`)
/** @param {string} text @returns {Cell} */
const words = (text) => ({ text })
/** @param {string} text @returns {Cell} */
const figure = (text) => ({ text, className: 'number' })

/** @param {string} id @param {readonly Cell[]} head @param {readonly (readonly Cell[])[]} rows */
const fillTable = (id, head, rows) => {
  /** @param {'th' | 'td'} tag @param {readonly Cell[]} cells */
  const row = (tag, cells) => {
    const made = document.createElement('tr')
    made.append(...cells.map(({ text, className }) => element(tag, text, className)))
    return made
  }
  const [thead, tbody] = [document.createElement('thead'), document.createElement('tbody')]
  thead.append(row('th', head))
  tbody.append(...rows.map((cells) => row('td', cells)))
  byId(id).replaceChildren(thead, tbody)
}

/** @param {string} id @param {readonly (readonly [name: string, value: string])[]} facts */
const fillFacts = (id, facts) => {
  const groups = facts.map(([name, value]) => {
    const group = document.createElement('div')
    group.append(element('dt', name), element('dd', value))
    return group
  })
  byId(id).replaceChildren(...groups)
}

/** @param {ViewState} state */
const showStatus = ({ phase, progress, attacks, failures }) => {
  const texts = {
    waiting: 'Waiting for the first delivery.',
    delivering: progress
      ? `${progress.posted} of ${progress.total} deliveries posted, ${progress.opened} of ${progress.expected} read by their bots.`
      : 'Delivering.',
    attacking: `All posted; the attacks are on (${attacks.length} done).`,
    done: failures.length === 0 ? 'All is well.' : failures.join(' '),
  }
  const status = byId('status')
  if (status.textContent !== texts[phase]) status.textContent = texts[phase]
  status.className = phase === 'done' ? (failures.length === 0 ? 'good' : 'bad') : ''
}

/** @param {ViewState} state */
const showTables = ({ queues, attacks, expectedLines, requests }) => {
  fillTable(
    'queues',
    [
      words('Queue'),
      ...['Expected', 'Sent', 'Opened', 'Refused', 'Median', 'p95', 'Wire bytes', 'Plaintext'].map(figure),
    ],
    queues.map((row) => [
      words(row.queue),
      ...[row.expected, row.sent, row.opened, row.refused].map((value) => figure(count(value))),
      ...[ms(row.medianMs), ms(row.p95Ms), count(row.wireBytes), count(row.plaintextWindows)].map(figure),
    ]),
  )
  fillTable(
    'attacks',
    ['The attacker …', 'Outcome', 'Refusal', 'Dead letter', 'Others opened'].map(words),
    attacks.map(({ description, refused, passed, code, reason, bystanders, bystandersOpened }) => [
      words(description),
      { text: passed ? 'passed' : refused ? 'refused' : 'undecided', className: refused ? 'good' : 'bad' },
      ...[code, reason, `${bystandersOpened} of ${bystanders}`].map(words),
    ]),
  )
  byId('lines').textContent =
    expectedLines === 0 ? '' : `Log lines about these refusals, not printed: ${expectedLines}.`
  fillFacts('requests', [
    ...Object.entries(requests.sent).map(([queue, sent]) => /** @type {const} */ ([`to ${queue}`, count(sent)])),
    ['asked for by no bot', count(requests.ignored)],
    ...Object.entries(requests.refused).map(([why, sent]) => /** @type {const} */ ([`refused: ${why}`, count(sent)])),
    ['failed', count(requests.failed)],
  ])
}

/** @param {RecentMessage} message */
const outcomeOf = ({ refusal, text }) => (refusal !== null ? `refused: ${refusal}` : text === null ? 'waits' : 'read')

/** @param {RecentMessage} message */
const showStored = ({ hex, fields, storedBytes }) => {
  const bytes = hex.match(/../g) ?? []
  const runs = fields.length === 0 ? [{ name: 'no envelope', from: 0, to: bytes.length, value: null }] : fields
  /** @param {string} name */
  const className = (name) => name.replaceAll(' ', '-')
  /** @param {{ from: number }} run */
  const isShown = ({ from }) => from < bytes.length
  const parts = runs.filter(isShown).flatMap(({ name, from, to }) => {
    const run = element('span', bytes.slice(from, to).join(' '), className(name))
    run.title = name
    return [run, document.createTextNode(' ')]
  })
  const rest = storedBytes - bytes.length
  if (rest > 0) parts.push(element('span', `… ${count(rest)} more bytes`, 'soft'))
  byId('stored').replaceChildren(...parts)
  byId('legend').replaceChildren(
    ...runs
      .filter(isShown)
      .map(({ name, value }) => element('li', value === null ? name : `${name}: ${value}`, className(name))),
  )
}

/** @param {RecentMessage} message */
const showRead = ({ text, readBytes, refusal }) => {
  if (text === null) {
    const why = refusal === null ? 'Nothing yet: it waits.' : `Nothing: the message was refused (${refusal}).`
    byId('read').replaceChildren(element('span', why, refusal === null ? 'soft' : 'bad'))
    return
  }
  const isCut = readBytes !== null && new TextEncoder().encode(text).length < readBytes
  byId('read').replaceChildren(text, ...(isCut ? [element('span', ` … of ${count(readBytes)} bytes`, 'soft')] : []))
}

/** What is on show, so that a look at the server disturbs neither the choice nor the scrolling. */
let shown = ''

/** @param {readonly RecentMessage[]} messages */
const showMessage = (messages) => {
  const message = messages.find(({ key }) => key === select.value) ?? messages[0]
  const now = JSON.stringify(message ?? null)
  if (message === undefined || now === shown) return
  shown = now
  fillFacts('facts', [
    ['Queue', message.queue],
    ['Event', message.event],
    ['Session', message.sessionId ?? '–'],
    ['Message id', message.messageId],
    ['Stored', `${count(message.storedBytes)} bytes`],
    ['Outcome', outcomeOf(message)],
    ...(message.attack === null ? [] : [/** @type {const} */ (['Attack', message.attack])]),
  ])
  showStored(message)
  showRead(message)
}

let listed = ''

/** @param {readonly RecentMessage[]} messages */
const listMessages = (messages) => {
  const options = messages.map((message) => {
    const attack = message.attack === null ? '' : ` · ${message.attack}`
    return /** @type {const} */ ([message.key, `${message.event} → ${message.queue}${attack} · ${outcomeOf(message)}`])
  })
  const now = JSON.stringify(options)
  if (now === listed) return
  listed = now
  const chosen = select.value
  select.replaceChildren(
    ...options.map(([key, label]) => {
      const option = element('option', label)
      option.value = key
      return option
    }),
  )
  const opened = messages.find(({ text }) => text !== null)
  select.value = options.some(([key]) => key === chosen) ? chosen : ((opened ?? messages[0])?.key ?? '')
}

/** @type {readonly RecentMessage[]} */
let messages = []
select.addEventListener('change', () => showMessage(messages))

const look = async () => {
  let pauseMs = DONE_MS
  try {
    const response = await fetch('/state.json')
    /** @type {ViewState} */
    const state = await response.json()
    if (state.phase !== 'done') pauseMs = RUNNING_MS
    messages = state.messages
    showStatus(state)
    showTables(state)
    listMessages(messages)
    showMessage(messages)
  } catch {
    byId('status').textContent = 'The demo has ended; this is the last that was seen of it.'
    byId('status').className = 'bad'
  }
  setTimeout(look, pauseMs)
}

void look()
