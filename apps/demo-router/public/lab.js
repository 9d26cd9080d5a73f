import { runAction } from './action.js'
import { lab } from './api.js'
import { byId, element, setAttribute, setText, whenChanged } from './dom.js'
import { clockTime } from './format.js'
import { OUTCOMES } from './words.js'

/** @typedef {import('../src/dashboard/events.ts').AttackInfo} AttackInfo */
/** @typedef {import('../src/dashboard/events.ts').AttackResult} AttackResult */
/** @typedef {import('../src/dashboard/events.ts').Snapshot} Snapshot */
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

/**
 * @param {AttackInfo} info
 * @param {(made: Attack) => void} onOpen
 * @param {(key: string) => void} onPick
 * @returns {Attack}
 */
const makeAttack = (info, onOpen, onPick) => {
  const chip = element('span', { class: 'chip' }, 'Try')
  const heading = element('h4', {}, info.title)
  const body = element('div', { class: 'result-body' })
  const panel = element(
    'div',
    { class: 'result', hidden: true, id: `result-${info.name}` },
    heading,
    element('p', { class: 'soft' }, info.description),
    body,
  )
  const button = element(
    'button',
    { type: 'button', class: 'attack', 'data-attack': info.name, 'aria-expanded': 'false', 'aria-controls': panel.id },
    element('span', { class: 'number' }, String(info.number)),
    element('span', { class: 'attack-title' }, info.title),
    chip,
  )
  const draw = whenChanged((/** @type {AttackResult} */ result) =>
    body.replaceChildren(...resultOf(info, result, onPick)),
  )
  /** @type {Attack} */
  const made = {
    info,
    button,
    panel,
    item: element('li', {}, button, panel),
    show(result) {
      if (result === undefined) return
      draw(result)
      setText(chip, OUTCOMES[result.outcome].label)
      setAttribute(chip, 'data-outcome', result.outcome)
    },
  }
  button.addEventListener('click', () => {
    onOpen(made)
    if (info.unavailable !== null) return
    setText(chip, 'trying …')
    const act = async () => {
      const result = await lab.attack(info.name)
      made.show(result)
      setText(chip, OUTCOMES[result.outcome].label)
      return `${info.title}: ${OUTCOMES[result.outcome].label}. ${result.happened}`
    }
    void runAction(button, act, (sentence, failed) => {
      if (!failed) return
      setText(chip, 'not played')
      body.replaceChildren(element('p', { class: 'bad' }, sentence))
    })
  })
  if (info.unavailable !== null) {
    setText(chip, 'not here')
    body.append(element('p', {}, `Cannot be played with these backends: ${info.unavailable}`))
  }
  return made
}

/** One button for each attack; what became of it stands right behind its button. @param {(key: string) => void} onPick */
export const createLab = (onPick) => {
  /** @type {readonly Attack[]} */
  let attacks = []

  /** @param {Attack} chosen */
  const open = (chosen) => {
    for (const { panel, button, info } of attacks) {
      if (info.isLimit !== chosen.info.isLimit) continue
      panel.hidden = button !== chosen.button
      setAttribute(button, 'aria-expanded', button === chosen.button ? 'true' : 'false')
    }
    for (const id of ['attacks', 'limits']) {
      const isHere = id === (chosen.info.isLimit ? 'limits' : 'attacks')
      if (isHere) byId(`${id}-intro`).hidden = true
    }
  }

  const build = whenChanged((/** @type {readonly AttackInfo[]} */ infos) => {
    attacks = infos.map((info) => makeAttack(info, open, onPick))
    const group = (/** @type {string} */ id, /** @type {boolean} */ isLimit) => {
      const intro = byId(`${id}-intro`)
      byId(id).replaceChildren(...attacks.filter(({ info }) => info.isLimit === isLimit).map(({ item }) => item), intro)
    }
    group('attacks', false)
    group('limits', true)
  })

  return {
    /** @param {Snapshot} state */
    show({ attacks: infos, results }) {
      build(infos)
      for (const attack of attacks) {
        if (attack.button.getAttribute('aria-disabled') === 'true') continue
        attack.show(results.find(({ name }) => name === attack.info.name))
      }
    },
  }
}
