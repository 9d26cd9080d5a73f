import { makeAttack } from './attack.js'
import { byId, setAttribute, whenChanged } from './dom.js'

/** @typedef {import('../src/dashboard/events.ts').AttackInfo} AttackInfo */
/** @typedef {import('./attack.js').Attack} Attack */
/** @typedef {import('../src/dashboard/events.ts').Snapshot} Snapshot */

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
    byId(chosen.info.isLimit ? 'limits-intro' : 'attacks-intro').hidden = true
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
      for (const attack of attacks) attack.show(results.find(({ name }) => name === attack.info.name))
    },
  }
}
