import { runAction } from './action.js'
import { lab } from './api.js'
import { element, setAttribute, setText, whenChanged } from './dom.js'
import { clockTime } from './format.js'
import { OUTCOMES } from './words.js'

/** @typedef {import('../src/dashboard/events.ts').AttackInfo} AttackInfo */
/** @typedef {import('../src/dashboard/events.ts').AttackResult} AttackResult */
/**
 * One attack on the page: its button, and what became of it.
 * @typedef {{
 *   readonly info: AttackInfo, readonly button: HTMLButtonElement, readonly panel: HTMLElement, readonly item: HTMLElement,
 *   readonly show: (result: AttackResult | undefined) => void,
 * }} Attack
 */

/** @param {string} name @param {readonly (Node | string)[]} value @param {string} [className] */
const step = (name, value, className = '') =>
  element('div', { class: className }, element('dt', {}, name), element('dd', {}, ...value))

/** @param {AttackInfo} info @param {AttackResult} result @param {(key: string) => void} onPick */
const resultOf = ({ title }, { outcome, at, tried, happened, codes, deadLetter, messages }, onPick) => {
  const { label, mark } = OUTCOMES[outcome]
  const [first] = messages
  return [
    element(
      'p',
      { class: 'verdict', 'data-outcome': outcome },
      element('span', { class: 'mark', 'aria-hidden': 'true' }, mark),
      element('strong', {}, label),
      element('span', { class: 'soft' }, clockTime(at)),
    ),
    element(
      'dl',
      { class: 'steps' },
      step('Tried', [tried]),
      step('What happened', [happened]),
      ...(codes.length === 0 ? [] : [step('Refused with', [element('code', {}, codes.join(', '))])]),
      ...(deadLetter === null
        ? []
        : [
            step(
              'Dead letter',
              [
                element('code', {}, deadLetter.reason),
                ` in ${deadLetter.queue}: message `,
                element('code', {}, deadLetter.messageId),
                ', kept as it was stored',
              ],
              'letter',
            ),
          ]),
    ),
    ...(first === undefined
      ? []
      : [
          element(
            'button',
            { type: 'button', class: 'quiet', click: () => onPick(first) },
            'See the message from both sides',
            element('span', { class: 'unseen' }, `: ${title}`),
          ),
        ]),
  ]
}

/** @param {string} text */
const asSentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`

/**
 * @param {AttackInfo} info
 * @param {(made: Attack) => void} onOpen
 * @param {(key: string) => void} onPick
 * @returns {Attack}
 */
export const makeAttack = (info, onOpen, onPick) => {
  const chip = element('span', { class: 'chip' })
  const body = element('div', { class: 'result-body' })
  const panel = element(
    'div',
    { class: 'result', hidden: true, id: `result-${info.name}` },
    element('h4', {}, info.title),
    body,
  )
  const button = element(
    'button',
    { type: 'button', class: 'attack', 'data-attack': info.name, 'aria-expanded': 'false', 'aria-controls': panel.id },
    element('span', { class: 'number' }, String(info.number)),
    element('span', { class: 'attack-title' }, info.title),
    chip,
  )
  /** Why it could not be played when it was tried last. @type {string | null} */
  let failure = null

  const draw = whenChanged(
    (/** @type {{ word: string, note: string | null, result: AttackResult | null }} */ { word, note, result }) => {
      setText(chip, word)
      setAttribute(chip, 'data-outcome', result?.outcome ?? false)
      if (result !== null) return body.replaceChildren(...resultOf(info, result, onPick))
      body.replaceChildren(
        element('p', { class: 'soft' }, asSentence(info.description)),
        ...(note === null ? [] : [element('p', { class: 'verdict' }, note)]),
      )
    },
  )
  /** @param {string} word @param {string | null} [note] */
  const drawNote = (word, note = null) => draw({ word, note, result: null })

  /** @type {Attack} */
  const made = {
    info,
    button,
    panel,
    item: element('li', {}, button, panel),
    show(result) {
      if (button.getAttribute('aria-disabled') === 'true') return
      if (info.unavailable !== null) drawNote('not here', `Cannot be played with these backends: ${info.unavailable}`)
      else if (failure !== null) drawNote('not played', failure)
      else if (result === undefined) drawNote('Try')
      else draw({ word: OUTCOMES[result.outcome].short, note: null, result })
    },
  }
  button.addEventListener('click', () => {
    onOpen(made)
    if (info.unavailable !== null) return
    /** @type {AttackResult | undefined} */
    let result
    const act = async () => {
      drawNote('trying …', 'Trying …')
      result = await lab.attack(info.name)
      return `${info.title}: ${OUTCOMES[result.outcome].label}. ${result.happened}`
    }
    void runAction(button, act, (sentence, failed) => {
      failure = failed ? sentence : null
      made.show(result)
    })
  })
  return made
}
