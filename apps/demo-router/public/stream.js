/** @typedef {import('../src/dashboard/events.ts').DashboardEvents} DashboardEvents */
/** @typedef {'connecting' | 'live' | 'lost'} Connection */

/** Pause before the next attempt, in milliseconds. */
const RETRY_MS = 1_000

/** @type {readonly (keyof DashboardEvents)[]} */
const NAMES = ['snapshot', 'message', 'points', 'queue', 'attack', 'outages', 'traffic', 'requests']

/**
 * Listens to `/events` for as long as the page is open. An `EventSource` gives up for good when it is answered with anything but
 * a stream, as it is while the server starts: this one never does.
 * @param {{
 *   onEvent: <E extends keyof DashboardEvents>(event: E, data: DashboardEvents[E]) => void,
 *   onConnection: (connection: Connection) => void,
 * }} listener
 */
export const listen = ({ onEvent, onConnection }) => {
  const source = new EventSource('/events')
  for (const name of NAMES) {
    source.addEventListener(name, ({ data }) => {
      onEvent(name, JSON.parse(data))
      if (name === 'snapshot') onConnection('live')
    })
  }
  source.addEventListener('error', () => {
    source.close()
    onConnection('lost')
    setTimeout(() => listen({ onEvent, onConnection }), RETRY_MS)
  })
}
