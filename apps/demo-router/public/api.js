/** @typedef {import('../src/dashboard/events.ts').LabCalls} LabCalls */
/** @typedef {import('../src/dashboard/events.ts').MessageDetail} MessageDetail */

/** Returns what the server answered. @throws {Error} with a sentence for people @param {string} path @param {RequestInit} [init] */
const ask = async (path, init) => {
  const response = await fetch(path, init).catch(() => {
    throw new Error('The demo does not answer.')
  })
  const answer = await response.json().catch(() => ({}))
  if (!response.ok) throw new Error(answer.message ?? `The demo answered with status ${response.status}.`)
  return answer
}

/** @param {readonly string[]} path @param {object} [body] */
const post = (path, body = {}) =>
  ask(`/lab/${path.map(encodeURIComponent).join('/')}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

/** @param {string} key @returns {Promise<MessageDetail>} */
export const loadMessage = (key) => ask(`/messages/${encodeURIComponent(key)}`)

/** The lab's calls: each resolves with what it came to. */
export const lab = {
  /** @param {string} name @returns {Promise<LabCalls['attack']>} */
  attack: (name) => post(['attacks', name]),
  /** @param {string} queue @returns {Promise<LabCalls['rotate']>} */
  rotate: (queue) => post(['queues', queue, 'rotate']),
  /** @param {string} queue @param {{ mode: string, seals: boolean }} wanted @returns {Promise<LabCalls['mode']>} */
  mode: (queue, wanted) => post(['queues', queue, 'mode'], wanted),
  /** @param {string} queue @returns {Promise<LabCalls['redrive']>} */
  redrive: (queue) => post(['queues', queue, 'redrive']),
  /** @param {string} name @param {boolean} on @returns {Promise<LabCalls['outage']>} */
  outage: (name, on) => post(['outages', name], { on }),
  /** @param {boolean} on @returns {Promise<LabCalls['traffic']>} */
  traffic: (on) => post(['traffic'], { on }),
}
