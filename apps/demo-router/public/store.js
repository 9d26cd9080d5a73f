/** @typedef {import('../src/dashboard/events.ts').Snapshot} Snapshot */
/** @typedef {import('../src/dashboard/events.ts').DashboardEvents} DashboardEvents */
/** @typedef {import('../src/dashboard/events.ts').MessageRow} MessageRow */
/** @typedef {import('../src/dashboard/events.ts').QueuePoint} QueuePoint */

/** What the page keeps, at most. */
const MESSAGES = 150
const POINTS_MS = 180_000

/**
 * @template {{ readonly [K in N]: string }} T
 * @template {string} N
 * @param {readonly T[]} list @param {T} item @param {N} name
 */
const replaced = (list, item, name) => list.map((other) => (other[name] === item[name] ? item : other))

/** @param {readonly MessageRow[]} messages @param {MessageRow} row */
const withMessage = (messages, row) =>
  messages.some(({ key }) => key === row.key)
    ? replaced(messages, row, 'key')
    : [row, ...messages].sort((a, b) => b.at - a.at).slice(0, MESSAGES)

/** @param {readonly QueuePoint[]} known @param {readonly QueuePoint[]} added */
const withPoints = (known, added) => {
  const now = Math.max(0, ...added.map(({ at }) => at))
  return [...known, ...added].filter(({ at }) => at > now - POINTS_MS)
}

/**
 * What each event changes. An event that repeats what is known changes nothing.
 * @type {{ readonly [E in keyof DashboardEvents]: (state: Snapshot, data: DashboardEvents[E]) => Partial<Snapshot> }}
 */
export const CHANGES = {
  snapshot: (_state, snapshot) => snapshot,
  message: ({ messages }, row) => ({ messages: withMessage(messages, row) }),
  points: ({ points }, added) => ({ points: withPoints(points, added) }),
  queue: ({ queues }, status) => ({
    queues: queues.some(({ queue }) => queue === status.queue)
      ? replaced(queues, status, 'queue')
      : [...queues, status],
  }),
  attack: ({ results }, result) => ({ results: [result, ...results.filter(({ name }) => name !== result.name)] }),
  outages: (_state, outages) => ({ outages }),
  traffic: (_state, traffic) => ({ traffic }),
  requests: (_state, requests) => ({ requests }),
}

/** How long changes are gathered before the page is brought up to date, in milliseconds. */
const PAUSE_MS = 150

/** Holds what the server told. Null until the first snapshot. @param {(state: Snapshot) => void} show */
export const createStore = (show) => {
  /** @type {Snapshot | null} */
  let state = null
  let isWaiting = false

  const flush = () => {
    isWaiting = false
    if (state !== null) show(state)
  }

  return {
    get state() {
      return state
    },
    /** @template {keyof DashboardEvents} E @param {E} event @param {DashboardEvents[E]} data */
    apply(event, data) {
      if (event === 'snapshot') state = /** @type {Snapshot} */ (data)
      else if (state !== null) state = { ...state, ...CHANGES[event](state, data) }
      if (isWaiting) return
      isWaiting = true
      setTimeout(flush, PAUSE_MS)
    },
  }
}
