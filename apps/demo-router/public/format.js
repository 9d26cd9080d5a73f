/** @typedef {import('../src/dashboard/events.ts').QueuePoint} QueuePoint */

/** @param {number} value */
export const count = (value) => value.toLocaleString('en-US')

/** @param {number} value @param {string} one @param {string} [many] */
export const counted = (value, one, many = `${one}s`) => `${count(value)} ${value === 1 ? one : many}`

/** @param {number} part @param {number} whole */
export const percent = (part, whole) => {
  if (whole === 0) return '–'
  const share = (100 * part) / whole
  // A few among many is not all: what is not quite all or nothing is never rounded to it.
  if (share > 99 && share < 100) return '> 99 %'
  return share > 0 && share < 1 ? '< 1 %' : `${Math.round(share)} %`
}

/** @type {readonly (readonly [limit: number, unit: string, size: number])[]} */
const STEPS = [
  [1_000, 'ms', 1],
  [60_000, 's', 1_000],
  [3_600_000, 'min', 60_000],
  [172_800_000, 'h', 3_600_000],
  [Number.POSITIVE_INFINITY, 'days', 86_400_000],
]

/** Returns a duration with its unit; three figures where they tell something. @param {number | null} ms */
export const duration = (ms) => {
  if (ms === null) return '–'
  const [, unit, size] = STEPS.find(([limit]) => Math.abs(ms) < limit) ?? [0, 'ms', 1]
  const value = ms / size
  return `${Math.abs(value) < 10 && unit !== 'min' ? Number(value.toFixed(1)) : Math.round(value)} ${unit}`
}

/** @param {number} at Milliseconds since 1970. */
export const clockTime = (at) => new Date(at).toLocaleTimeString('en-GB')

const TOKENS = /"(?:[^"\\]|\\.)*"?|[{}[\]]|[:,]|[^\s"{}[\],:]+/g

/**
 * Sets JSON in lines, also where only its beginning is known. Whatever is not JSON stays as it is.
 * @param {string} text
 */
export const readable = (text) => {
  if (!/^\s*[{[]/.test(text)) return text
  let depth = 0
  let before = ''
  return (text.match(TOKENS) ?? [])
    .map((token) => {
      const closes = /^[}\]]$/.test(token)
      if (closes) depth = Math.max(0, depth - 1)
      const isEmpty = closes && /^[{[]$/.test(before)
      const breaks = (closes && !isEmpty) || (!closes && /^[{[,]$/.test(before))
      if (/^[{[]$/.test(token)) depth += 1
      const indent = '  '.repeat(/^[{[]$/.test(token) ? depth - 1 : depth)
      before = token
      return `${breaks ? `\n${indent}` : ''}${token}${token === ':' ? ' ' : ''}`
    })
    .join('')
}
