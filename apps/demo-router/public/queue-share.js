import { element, setAttribute, setText } from './dom.js'
import { percent } from './format.js'

/** @typedef {import('../src/dashboard/events.ts').QueuePoint} QueuePoint */

const SHARE_MS = 60_000

/** How much of the last minute was sealed. */
export const createShare = () => {
  const bar = element(
    'div',
    { class: 'share-bar', 'aria-hidden': 'true' },
    element('i', { class: 'sealed-part' }),
    element('i', { class: 'plain-part' }),
  )
  const text = element('p', { class: 'share-text' })
  return {
    view: element('div', { class: 'share' }, bar, text),
    /** @param {readonly QueuePoint[]} points */
    show(points) {
      const since = (points.at(-1)?.at ?? 0) - SHARE_MS
      const recent = points.filter(({ at }) => at > since)
      const sum = (/** @type {'sealed' | 'plaintext'} */ name) =>
        recent.reduce((total, point) => total + point[name], 0)
      const [sealed, plaintext] = [sum('sealed'), sum('plaintext')]
      const all = sealed + plaintext
      setAttribute(bar, 'data-empty', all === 0)
      bar.style.setProperty('--sealed', all === 0 ? '0' : String(sealed / all))
      setText(
        text,
        all === 0
          ? 'No messages in the last minute.'
          : `${percent(sealed, all)} sealed, ${percent(plaintext, all)} plaintext in the last minute`,
      )
    },
  }
}
