import { runAction } from './action.js'
import { lab } from './api.js'
import { element, setText, whenChanged } from './dom.js'
import { duration } from './format.js'

/** @typedef {import('../src/dashboard/events.ts').QueueStatus} QueueStatus */

/** Advice for a key that seals (requirements X18, operations OP1). */
const ROTATE_AFTER_MS = 7_776_000_000

/** @param {QueueStatus['keys'][number]} key */
const ageOf = ({ createdAt, isCurrent }) => {
  if (createdAt === null) return 'age unknown'
  const ms = Math.max(0, Math.floor((Date.now() - createdAt) / 1_000) * 1_000)
  return `${duration(ms)} old${isCurrent && ms > ROTATE_AFTER_MS ? ': time to rotate' : ''}`
}

/** The keys of one queue with their age, and the button that rotates. @param {string} queue */
export const createKeys = (queue) => {
  const list = element('ul', { class: 'keys' })
  const note = element('p', { class: 'soft note' })
  const button = element(
    'button',
    { type: 'button', class: 'plain-button' },
    'Rotate the key',
    element('span', { class: 'unseen' }, ` of ${queue}`),
  )
  button.addEventListener('click', () => {
    const act = async () => {
      const status = await lab.rotate(queue)
      const current = status.keys.find(({ isCurrent }) => isCurrent)?.id ?? 'a new key'
      const old = status.keys.length - 1
      return `${queue} is sealed with ${current} from now on. ${old === 1 ? 'The old key still opens' : `${old} old keys still open`} what is under way.`
    }
    void runAction(button, act, (sentence) => setText(note, sentence))
  })
  const fill = whenChanged((/** @type {readonly { id: string, age: string, isCurrent: boolean }[]} */ keys) =>
    list.replaceChildren(
      ...keys.map(({ id, age, isCurrent }) =>
        element(
          'li',
          { 'data-current': isCurrent },
          element('code', {}, id),
          element('span', {}, isCurrent ? 'seals and opens' : 'opens only'),
          element('span', { class: 'soft' }, age),
        ),
      ),
    ),
  )
  return {
    view: element('div', { class: 'part' }, element('h4', {}, 'Keys'), list, button, note),
    button,
    /** @param {QueueStatus['keys']} keys */
    show: (keys) => fill(keys.map((key) => ({ id: key.id, isCurrent: key.isCurrent, age: ageOf(key) }))),
  }
}
