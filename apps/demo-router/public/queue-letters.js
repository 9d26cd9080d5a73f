import { runAction } from './action.js'
import { lab } from './api.js'
import { element, setText } from './dom.js'
import { counted } from './format.js'

/** @typedef {import('../src/dashboard/events.ts').QueueStatus} QueueStatus */

/** The dead letters of one queue, and the way back. @param {string} queue */
export const createLetters = (queue) => {
  const text = element('p')
  const note = element('p', { class: 'soft note' })
  const button = element(
    'button',
    { type: 'button', class: 'plain-button' },
    'Redrive',
    element('span', { class: 'unseen' }, ` the dead letters of ${queue}`),
  )
  button.addEventListener('click', () => {
    const act = async () => {
      const { redriven, skipped, failed } = await lab.redrive(queue)
      return `${counted(redriven, 'dead letter')} sealed anew and sent again, ${skipped} skipped, ${failed} refused: they are no more genuine than before.`
    }
    void runAction(button, act, (sentence) => setText(note, sentence))
  })
  return {
    view: element('div', { class: 'part' }, element('h4', {}, 'Dead letters'), text, button, note),
    button,
    /** @param {QueueStatus['totals']} totals */
    show: ({ deadLetters }) =>
      setText(text, deadLetters === 0 ? 'None.' : `${counted(deadLetters, 'message')} kept, still as stored.`),
  }
}
