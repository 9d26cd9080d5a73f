import { announce } from './announce.js'
import { lab } from './api.js'
import { byId, setAttribute, setText } from './dom.js'
import { createFlow } from './flow.js'
import { count, percent } from './format.js'
import { createLab } from './lab.js'
import { createMessage } from './message.js'
import { createMessages } from './messages.js'
import { createOutages } from './outages.js'
import { createQueues } from './queues.js'
import { createStore } from './store.js'
import { listen } from './stream.js'
import { createSwitch } from './switches.js'

/** @typedef {import('../src/dashboard/events.ts').Snapshot} Snapshot */
/** @typedef {import('../src/dashboard/events.ts').MessageRow} MessageRow */

// Who has no mouse scrolls with the keys, and needs to get there first.
for (const area of document.querySelectorAll('[data-scrolls]')) {
  setAttribute(area, 'tabindex', '0')
  setAttribute(area, 'role', 'region')
  setAttribute(area, 'aria-label', area.getAttribute('data-scrolls') ?? '')
}

const message = createMessage()
/** @param {string} key */
const pick = (key) => {
  void message.select(key)
  if (store.state !== null) messages.show(store.state.messages, key)
}
/** Picks a message from elsewhere on the page, and goes there. @param {string} key */
const goTo = (key) => {
  pick(key)
  const title = byId('message-title')
  title.focus({ preventScroll: true })
  title.scrollIntoView({
    block: 'start',
    behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth',
  })
}
const messages = createMessages(pick)
const flow = createFlow(goTo)
const attacks = createLab(goTo)
const outages = createOutages()
const queues = createQueues()
const traffic = createSwitch({
  ...{ label: 'Deliveries', on: 'coming in', off: 'stopped' },
  async turn(on) {
    await lab.traffic(on)
    return on ? 'Deliveries come in again.' : 'No more deliveries are posted.'
  },
})
byId('traffic').append(traffic.view)

/** @param {Snapshot} state */
const showTotals = ({ queues: all, points }) => {
  const sum = (/** @type {keyof (typeof all)[number]['totals']} */ name) =>
    all.reduce((total, { totals }) => total + totals[name], 0)
  const [sealed, plaintext] = points.reduce(([a, b], point) => [a + point.sealed, b + point.plaintext], [0, 0])
  setText(byId('total-handled'), count(sum('handled')))
  setText(byId('total-sealed'), percent(sealed, sealed + plaintext))
  setText(byId('total-refused'), count(sum('refused')))
}

/** A message that was opened shows most; it is chosen once, and never changes by itself. @param {readonly MessageRow[]} rows */
const pickFirst = (rows) => {
  const good = rows.find(({ sealed, stage, attack }) => sealed && stage === 'completed' && attack === null)
  if (message.selected === null && good !== undefined) void message.select(good.key)
}

/** @param {Snapshot} state */
const show = (state) => {
  byId('lab').hidden = !state.hasLab
  byId('traffic').hidden = !state.hasLab
  setText(
    byId('backends'),
    `Broker: ${state.backends.queue}. Keys: ${state.backends.keys}. Nonces: ${state.backends.nonces}.`,
  )
  setText(
    byId('requests'),
    Object.entries(state.requests)
      .filter(([, value]) => value > 0)
      .map(([name, value]) => `${name} ${count(value)}`)
      .join(', '),
  )
  showTotals(state)
  flow.show(state)
  pickFirst(state.messages)
  messages.show(state.messages, message.selected)
  message.show(state.messages)
  attacks.show(state)
  outages.show(state)
  traffic.show(state.traffic)
  queues.show(state)
}

const store = createStore(show)

const CONNECTIONS = { connecting: 'Connecting …', live: 'Live', lost: 'The demo does not answer; trying again' }
let wasLost = false

listen({
  onEvent(event, data) {
    store.apply(event, data)
    if (event === 'message') flow.see(/** @type {MessageRow} */ (data))
  },
  onConnection(connection) {
    setText(byId('connection'), CONNECTIONS[connection])
    setAttribute(document.body, 'data-connection', connection)
    if (connection === 'live' && wasLost) announce('The demo is back.')
    else if (connection === 'lost' && !wasLost) announce(CONNECTIONS.lost)
    wasLost = connection === 'lost'
  },
})
