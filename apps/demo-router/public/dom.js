/** @typedef {string | boolean | ((event: Event) => void) | undefined} Property */
/** @typedef {Node | string | null} Child */

/**
 * @template {Element} T
 * @param {T} made
 * @param {Readonly<Record<string, Property>>} properties
 * @param {readonly Child[]} children
 */
const fill = (made, properties, children) => {
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === 'function') made.addEventListener(name, value)
    else if (value !== undefined && value !== false) made.setAttribute(name, value === true ? '' : value)
  }
  made.append(...children.filter((child) => child !== null))
  return made
}

/**
 * Makes an element; a function among the properties listens to the event of that name. All text of the page goes through here,
 * as text: nothing that came with a message is ever read as HTML.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Readonly<Record<string, Property>>} [properties]
 * @param {readonly Child[]} children
 */
export const element = (tag, properties = {}, ...children) => fill(document.createElement(tag), properties, children)

/**
 * The same for SVG.
 * @template {keyof SVGElementTagNameMap} T
 * @param {T} tag
 * @param {Readonly<Record<string, Property>>} [properties]
 * @param {readonly Child[]} children
 */
export const drawing = (tag, properties = {}, ...children) =>
  fill(document.createElementNS('http://www.w3.org/2000/svg', tag), properties, children)

/** @param {string} id */
export const byId = (id) => {
  const found = document.getElementById(id)
  if (found === null) throw new Error(`The page has no #${id}.`)
  return found
}

/**
 * Writes only what changed, so that neither a selection of text nor a screen reader is disturbed.
 * @param {Element} target
 * @param {string} text
 */
export const setText = (target, text) => {
  if (target.textContent !== text) target.textContent = text
}

/**
 * @param {Element} target
 * @param {string} name
 * @param {string | boolean} value `false` takes the attribute away
 */
export const setAttribute = (target, name, value) => {
  const wanted = value === true ? '' : value
  if (wanted === false) target.removeAttribute(name)
  else if (target.getAttribute(name) !== wanted) target.setAttribute(name, wanted)
}

/**
 * Draws a part anew only when what it shows is no longer the same.
 * @template T
 * @param {(value: T) => void} draw
 * @returns {(value: T) => void}
 */
export const whenChanged = (draw) => {
  let shown = ''
  return (value) => {
    const now = JSON.stringify(value)
    if (now === shown) return
    shown = now
    draw(value)
  }
}
