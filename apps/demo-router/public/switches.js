import { runAction } from './action.js'
import { element, setAttribute, setText } from './dom.js'

/**
 * A switch: on or off, and what that means. It shows what the server says, not what was pressed.
 * @param {{ label: string, on: string, off: string, turn: (on: boolean) => Promise<string>, describedBy?: string }} options
 */
export const createSwitch = ({ label, on, off, turn, describedBy }) => {
  const stateText = element('span', { class: 'switch-state' })
  const failure = element('span', { class: 'bad' })
  const button = element(
    'button',
    {
      type: 'button',
      class: 'switch',
      role: 'switch',
      'aria-checked': 'false',
      ...(describedBy && { 'aria-describedby': describedBy }),
    },
    element('span', { class: 'knob', 'aria-hidden': 'true' }),
    element('span', { class: 'switch-label' }, label),
    stateText,
  )
  button.addEventListener('click', () => {
    const wanted = button.getAttribute('aria-checked') !== 'true'
    void runAction(
      button,
      () => turn(wanted),
      (sentence, failed) => setText(failure, failed ? sentence : ''),
    )
  })
  return {
    view: element('div', { class: 'switch-box' }, button, failure),
    /** @param {boolean} isOn */
    show(isOn) {
      setAttribute(button, 'aria-checked', isOn ? 'true' : 'false')
      setText(stateText, isOn ? on : off)
    },
  }
}
