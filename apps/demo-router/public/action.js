import { announce } from './announce.js'
import { setAttribute } from './dom.js'

/**
 * Runs what a button stands for, once at a time. The button keeps the focus meanwhile: one that is disabled would lose it.
 * @param {HTMLElement} button
 * @param {() => Promise<string>} act resolves with the sentence that is announced
 * @param {(sentence: string, failed: boolean) => void} [tell]
 */
export const runAction = async (button, act, tell) => {
  if (button.getAttribute('aria-disabled') === 'true') return
  setAttribute(button, 'aria-disabled', 'true')
  let [sentence, failed] = ['', false]
  try {
    sentence = await act()
  } catch (error) {
    failed = true
    sentence = error instanceof Error ? error.message : String(error)
  }
  setAttribute(button, 'aria-disabled', false)
  announce(sentence)
  tell?.(sentence, failed)
}
