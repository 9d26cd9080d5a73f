import { runAction } from './action.js'
import { lab } from './api.js'
import { element, setText } from './dom.js'
import { createSwitch } from './switches.js'
import { MODES } from './words.js'

/** @typedef {import('../src/dashboard/events.ts').QueueStatus} QueueStatus */
/** @typedef {import('../src/dashboard/events.ts').QueueMode} QueueMode */

/**
 * What the router sends to one queue, and what its bot accepts (requirements DR4).
 * @param {string} queue
 * @param {{ readonly get: () => QueueStatus, readonly set: (status: QueueStatus) => void }} status
 */
export const createModes = (queue, status) => {
  const note = element('p', { class: 'soft note' })
  /** @param {QueueMode} mode @param {boolean} seals */
  const apply = async (mode, seals) => {
    // What comes with the stream comes later: the next press counts from here.
    status.set(await lab.mode(queue, { mode, seals }))
    return `${queue}: the router sends ${seals ? 'sealed' : 'plaintext'}, the bot ${MODES[mode].sentence}.`
  }
  const seals = createSwitch({
    ...{ label: 'Router seals', on: 'yes', off: 'no: plaintext' },
    turn: (on) => apply(status.get().mode, on),
  })
  const group = element(
    'fieldset',
    { class: 'segments' },
    element('legend', {}, 'Plaintext at the bot', element('span', { class: 'unseen' }, ` of ${queue}`)),
  )
  const inputs = /** @type {readonly QueueMode[]} */ (['plaintext', 'allow-with-alert', 'reject']).map((mode) => {
    const input = element('input', { type: 'radio', name: `mode-${queue}`, value: mode })
    group.append(element('label', {}, input, element('span', {}, MODES[mode].label)))
    return input
  })
  group.addEventListener('change', ({ target }) => {
    if (!(target instanceof HTMLInputElement)) return
    const mode = /** @type {QueueMode} */ (target.value)
    void runAction(
      group,
      () => apply(mode, status.get().seals),
      (sentence) => setText(note, sentence),
    )
  })
  return {
    view: element('div', { class: 'part' }, element('h4', {}, 'Roll-out'), seals.view, group, note),
    /** @param {QueueStatus} now */
    show(now) {
      seals.show(now.seals)
      if (group.getAttribute('aria-disabled') !== 'true')
        for (const input of inputs) input.checked = input.value === now.mode
    },
  }
}
