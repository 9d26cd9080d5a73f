import { byId, setText } from './dom.js'

/** Says a sentence to those who hear the page; on screen it stands where it belongs. @param {string} sentence */
export const announce = (sentence) => setText(byId('announcement'), sentence)
