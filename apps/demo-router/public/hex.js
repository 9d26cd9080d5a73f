import { element } from './dom.js'

/** @typedef {import('../src/view/envelope-fields.ts').EnvelopeField} EnvelopeField */

/** @param {string} name */
export const fieldClass = (name) => `field ${name.replaceAll(' ', '-')}`

/** @param {number} byte */
const asLetter = (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·')

/** How many bytes fit in a line of so many letters: two digits and a space each, and the letter they would be. @param {number} letters */
export const bytesPerLine = (letters) => Math.max(4, Math.min(16, 4 * Math.floor((letters - 1) / 16)))

/**
 * Sets bytes in lines, as hex and as the letters they would be, each marked with the field that it belongs to.
 * @param {string} hex
 * @param {readonly EnvelopeField[]} fields
 * @param {number} perLine
 */
export const hexLines = (hex, fields, perLine) => {
  const bytes = (hex.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16))
  const fieldAt = (/** @type {number} */ at) => fields.find(({ from, to }) => at >= from && at < to)?.name ?? ''

  /** @param {number} from @param {number} to @param {(at: number) => string} write @param {string} gap */
  const runs = (from, to, write, gap) => {
    /** @type {Node[]} */
    const made = []
    for (let at = from; at < to; ) {
      const name = fieldAt(at)
      const texts = []
      for (; at < to && fieldAt(at) === name; at += 1) texts.push(write(at))
      made.push(element('span', name === '' ? {} : { class: fieldClass(name), title: name }, texts.join(gap)))
      if (at < to && gap !== '') made.push(document.createTextNode(gap))
    }
    return made
  }

  return Array.from({ length: Math.ceil(bytes.length / perLine) }, (_, line) => {
    const [from, to] = [line * perLine, Math.min(bytes.length, (line + 1) * perLine)]
    const missing = perLine - (to - from)
    return element(
      'span',
      { class: 'line' },
      ...runs(from, to, (at) => (bytes[at] ?? 0).toString(16).padStart(2, '0'), ' '),
      ' '.repeat(2 + 3 * missing),
      ...runs(from, to, (at) => asLetter(bytes[at] ?? 0), ''),
      '\n',
    )
  })
}
